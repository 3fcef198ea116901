# make run    start the app          make test    check and test everything
# make test ARGS="-n 0"    the same in one process, one test after the other; make test shares them among three
# make faults    kill trainings 200 times, at random moments, and resume them (make test does so 5 times); fill their
#                disk at each moment, take the dataset and the folder away, set the clock, damage files
# make soak      half an hour of use, as of a day: whether the app keeps memory, processes, handles, threads or files
# make fuzz      a thousand broken pictures, five hundred files of weights and of runs (make test tries twenty of each)
# make coverage    the tests again, and which lines of pix2pix/ and training/ none of them runs
# make audit     known holes in what is installed; needs a network
# make gpu       try and time all that is done on a GPU, for ten minutes, and write gpu.md
# make docs      the documentation as a website in site/
# All make .venv and install what is missing first, and can be called again and again.

PYTHON ?= python3
BIN = .venv/bin

.PHONY: run test coverage faults soak fuzz audit check format browser gpu docs clean

run: .venv/.run
	$(BIN)/python app.py $(ARGS)

test: check browser
	$(BIN)/python -m pytest -n 3 --max-worker-restart 0 --durations=20 $(ARGS)

coverage: browser
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 3 --max-worker-restart 0 $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

faults: .venv/.test
	KILLS=200 FULL=1000 $(BIN)/python -m pytest -s tests/test_kills.py tests/test_full_disk.py tests/test_trouble.py \
		tests/test_damage.py tests/test_claims.py tests/test_run.py $(ARGS)

soak: .venv/.test
	$(BIN)/python benchmarks/soak.py $(ARGS)

fuzz: .venv/.test
	FUZZ_PICTURES=1000 FUZZ_FILES=500 $(BIN)/python -m pytest -s tests/test_fuzz.py $(ARGS)

gpu: .venv/.test
	$(BIN)/python benchmarks/gpu.py $(ARGS)

audit: .venv/.test
	$(BIN)/python -m pip install --disable-pip-version-check -q pip-audit
	$(BIN)/python -m pip_audit --strict -r requirements.txt

check: .venv/.test
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/oxfmt --check pix2pix/page ui/camera/page ui/train/page
	$(BIN)/python -m tests.lint_page
	$(BIN)/python -m pyright

format: .venv/.test
	$(BIN)/python -m ruff check --fix .
	$(BIN)/python -m ruff format .
	$(BIN)/oxfmt pix2pix/page ui/camera/page ui/train/page

docs: .venv/.docs
	$(BIN)/python docs/settings.py
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet
	@echo "The website is in site/: open site/index.html in a browser."

browser: .venv/.test
	$(BIN)/python tests/browser/install.py

.venv/.run: requirements.txt | .venv/bin/python
	@echo "Installing into .venv; PyTorch alone is up to 5 GB, and the first time takes some minutes."
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.txt
	touch $@

.venv/.test: requirements-dev.txt .venv/.run
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-dev.txt
	touch $@

.venv/.docs: requirements-docs.txt .venv/.run
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements-docs.txt
	touch $@

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

clean:
	rm -rf .venv
