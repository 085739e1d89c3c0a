#!/bin/bash
# SPDX-License-Identifier: MIT
# Completion in the shells themselves, through a terminal.
. "$(dirname "$0")/lib.sh"

# type SHELL KEYS [ARG ...]: what the shell shows when the keys were typed, to the file out. $DIR/bin has vmrig.
cat_terminal() {
	python3 - "$@" <<-'EOF'
		import os, pty, select, sys, time
		keys, argv = sys.argv[1], sys.argv[2:]
		pid, fd = pty.fork()
		if pid == 0:
		    os.environ.update(TERM="dumb", PS1="> ", PATH=os.getcwd() + "/bin:" + os.environ["PATH"])
		    os.execvp(argv[0], argv)
		shown = b""
		def wait(text, seconds):
		    global shown
		    end = time.monotonic() + seconds
		    while text not in shown and time.monotonic() < end:
		        if select.select([fd], [], [], 0.1)[0]:
		            try:
		                shown += os.read(fd, 4096)
		            except OSError:
		                return
		wait(b"ready", 20)
		for key in keys.encode().decode("unicode_escape"):
		    os.write(fd, key.encode())
		    time.sleep(0.02)
		wait(b"\x07never", float(os.environ.get("WAIT", "3")))
		os.write(fd, b"\x03\x04")
		os.kill(pid, 9)
		os.waitpid(pid, 0)
		open("out", "wb").write(shown)
	EOF
}

prepare() {
	mkdir -p bin home
	ln -s "$VMRIG" bin/vmrig
	printf 'tests:\n  - { name: first-of-two, run: "true" }\n  - { name: second, run: "true" }\n' >vmrig.yaml
}

test_what_a_word_may_become_is_told_with_its_explanation() {
	prepare
	vmrig complete -- kernel bu
	same "$(cat out)" "build	build a kernel into the cache"
	vmrig complete -- run --accel n
	same "$(cut -f1 out)" nested
	vmrig complete -- test --filter s
	same "$(cut -f1 out)" second
	vmrig complete -- run --me
	same "$(cut -f1 out)" --memory
	vmrig complete -- test --output ''
	same "$(cat out)" :dirs
	vmrig complete -- run -- una
	same "$(cat out)" :commands
	vmrig complete -- run cat fi
	same "$(cat out)" :files
	vmrig complete -- doctor --bogus ''
	code_is 0
	same "$(cat out)" ""
}

test_bash_completes_commands_and_names_of_tests() {
	prepare
	cat >rc <<-'EOF'
		source <(vmrig completions bash)
		PS1='ready> '
	EOF
	cat_terminal 'vmrig kern\tbu\t--accel-no\x15vmrig test --filter fir\t' bash --noprofile --rcfile rc -i
	has out "vmrig kernel build "
	has out "vmrig test --filter first-of-two"
}

test_bash_completes_words_with_a_colon() {
	prepare
	cat >rc <<-'EOF'
		source <(vmrig completions bash)
		PS1='ready> '
	EOF
	cat >bin/rig <<-'EOF'
		#!/bin/sh
		printf 'debian:6.1-cloud\tx\n'
	EOF
	chmod +x bin/rig
	echo 'complete -F _vmrig rig' >>rc
	cat_terminal 'rig debian:6\t' bash --noprofile --rcfile rc -i
	has out "rig debian:6.1-cloud"
}

test_zsh_completes_commands_and_names_of_tests() {
	prepare
	cat >home/.zshrc <<-'EOF'
		autoload -Uz compinit && compinit -u -d $HOME/dump
		source <(vmrig completions zsh)
		PS1='ready> '
	EOF
	ZDOTDIR=$PWD/home cat_terminal 'vmrig kern\tbu\t\x15vmrig test --filter fir\t' zsh -i
	has out "kernel "
	has out "first-of-two"
}

test_fish_completes_commands_and_names_of_tests() {
	prepare
	mkdir -p home/config/fish
	chmod 700 home # fish keeps a file of its own there
	cat >home/config/fish/config.fish <<-'EOF'
		vmrig completions fish | source
		function fish_prompt; echo 'ready> '; end
		function fish_greeting; end
	EOF
	XDG_RUNTIME_DIR=$PWD/home XDG_CONFIG_HOME=$PWD/home/config XDG_DATA_HOME=$PWD/home/data cat_terminal 'vmrig kern\tbu\t\x15vmrig test --filter fir\t' fish -i
	has out "first-of-two"
}

test_an_unknown_shell_is_refused() {
	vmrig completions tcsh
	code_is 2
	has err "there is none for 'tcsh': bash, zsh or fish"
}

run_tests "$@"
