// Whether this browser answers as the model did when it was packaged, on the sample that came with it.

import { argmin } from "./numbers.js";

// found: what the device says of each picture of the sample: { people, activities } (activities: null of a
// model of motion). Returns { same, moved, passes }: the share of the same activities, and the 95th percentile
// of how far joints are from where they were, in pixels; null where there was nothing to compare.
export function judge(found, about) {
  const { pictures, min_confidence } = about.sample;
  const same = [];
  const distances = [];
  pictures.forEach((expected, i) => {
    const { people, activities } = found[i];
    if (expected.activities) same.push(JSON.stringify(activities) === JSON.stringify(expected.activities));
    for (const joints of expected.people) distances.push(...movement(joints, people.keypoints, min_confidence));
    if (people.keypoints.length > expected.people.length) distances.push(Infinity);
  });
  distances.sort((a, b) => a - b);
  const moved = distances.length ? distances[Math.ceil(0.95 * (distances.length - 1))] : null;
  const share = same.length ? same.filter(Boolean).length / same.length : null;
  const { same_activity, joint_px_p95 } = about.gate;
  return { same: share, moved, passes: (share === null || share >= same_activity) && (moved === null || moved <= joint_px_p95) };
}

// How far each drawn joint moved; infinitely far if nobody is there any more.
function movement(joints, people, least) {
  const drawn = joints.map((joint, k) => k).filter((k) => joints[k][2] > least);
  const off = (other, k) => (other[k][2] > least ? Math.hypot(joints[k][0] - other[k][0], joints[k][1] - other[k][1]) : Infinity);
  const all = people.map((other) => drawn.map((k) => off(other, k)));
  const nearest = argmin(all.map((distances) => distances.reduce((sum, one) => sum + Math.min(one, 1e6), 0)));
  return nearest < 0 ? drawn.map(() => Infinity) : all[nearest];
}
