"""train.py with a small network under the default model's name, so that a test trains in seconds.

`all` starts its steps through this file too. The default model itself is trained and exported by
stage 2's own tests.
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parent / "stage2_classifier" / "children"))

from pose_activity import train  # noqa: E402
from pose_activity.backbones import registry  # noqa: E402

registry.MODELS["efficientnet_lite0"] = "tiny_model"
train.STEP_COMMAND = [sys.executable, str(HERE)]
train.main()
