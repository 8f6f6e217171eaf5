"""What a user writes today from the two libraries: the yardstick of `benchmarks/inference.py`.

    python benchmarks/straightforward.py WEIGHTS.pt CLASSIFIER.keras LIST.txt

One picture after the other: cv2.imread, resize to 640x480, YOLO in torch, lines and circles with
OpenCV, four planes, Keras' `predict` on a batch of one. Prints JSON lines: when the first answer
was there (seconds since the epoch), and at the end images, seconds and peak memory.
"""

import json
import os
import resource
import sys
import time

os.environ.update(YOLO_AUTOINSTALL="False", YOLO_OFFLINE="True", TF_CPP_MIN_LOG_LEVEL="3")

import cv2
import numpy as np
from ultralytics import YOLO

# pyright: reportAttributeAccessIssue=false, reportIndexIssue=false, reportArgumentType=false
# pyright: reportOptionalMemberAccess=false, reportCallIssue=false
BONES = [(5, 7), (7, 9), (6, 8), (8, 10), (11, 13), (13, 15), (12, 14), (14, 16), (5, 6), (11, 12)]


def main(weights: str, classifier: str, listed: str) -> None:
    """Classifies the listed pictures and says how long it took."""
    with open(listed, encoding="utf-8") as file:
        paths = file.read().splitlines()
    pose = YOLO(weights)
    pose(np.zeros((480, 640, 3), np.uint8), verbose=False)  # before TensorFlow, or it aborts
    import keras

    model = keras.models.load_model(classifier, compile=False)
    answers = []
    for number, path in enumerate(paths):
        image = cv2.resize(cv2.imread(path), (640, 480))
        planes = np.dstack([cv2.cvtColor(image, cv2.COLOR_BGR2RGB), heatmap(pose, image)])
        answers.append(int(model.predict(planes[None], verbose=0)[0].argmax()))
        if number == 0:
            print(json.dumps({"first": time.time()}), flush=True)
            started = time.perf_counter()
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"images": len(paths) - 1, "seconds": seconds, "peak_mb": peak}))


def heatmap(pose: YOLO, image: np.ndarray) -> np.ndarray:
    """Draws the people that YOLO finds: `(480, 640)` uint8."""
    plane = np.zeros(image.shape[:2], np.uint8)
    for person in pose(image, verbose=False)[0].keypoints.data.numpy():
        for a, b in BONES:
            if person[a, 2] > 0.25 and person[b, 2] > 0.25:
                start, end = (tuple(map(int, person[i, :2])) for i in (a, b))
                cv2.line(plane, start, end, 190, 4)
        for x, y, confidence in person:
            if confidence > 0.25:
                cv2.circle(plane, (int(x), int(y)), 4, 250, -1)
    return plane


if __name__ == "__main__":
    main(*sys.argv[1:])
