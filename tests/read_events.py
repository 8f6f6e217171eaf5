"""Prints the scalars of a folder's event files as tensorboard reads them: {tag: [[step, value]]}.

Run it in a process of its own. argv: folder.
"""

import json
import sys
import types

sys.modules["tensorboard.compat.notf"] = types.ModuleType("notf")  # TensorFlow is not imported

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator  # noqa: E402

log = EventAccumulator(sys.argv[1]).Reload()
tags = log.Tags()["scalars"]
print(json.dumps({tag: [[e.step, e.value] for e in log.Scalars(tag)] for tag in tags}))
