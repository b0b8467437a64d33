# SPDX-License-Identifier: BSD-3-Clause
# Fills a shell's completion with the commands, options and values in the texts of ferry's --help.
#
# usage: awk -v shell=bash|zsh|fish -f fill.awk vmm/main.c vmm/config.c vmm/tools/*.c SHELL'S-FILE
#
# A line "  --name VALUE   what it does" is an option, and "  name WORD   what it does" a command. Of
# VALUE what is in brackets is left out; the rest are words that it may be, but for those in capitals.

# A line of such a text, which is a string of C's.
function text_of(line) {
	sub(/^[ \t]*"/, "", line)
	sub(/(\\n)?";?$/, "", line)
	gsub(/\\"/, "\"", line)
	return line
}

# The first clause of what it does.
function clause(description) {
	sub(/(; |\. | \(|, which |: ).*/, "", description)
	return description
}

# What a VALUE may be: words, FILE, ADDR for a PCI device, and name+FILE for name:FILE.
function kinds_of(value,    kinds, count, part, i) {
	while (gsub(/\[[^\[\]]*\]/, "", value))
		;
	count = split(value, part, "|")
	kinds = ""
	for (i = 1; i <= count; i++) {
		if (part[1] == "PATH" && part[i] == "fd=N")
			return "ADDR"
		if (part[i] ~ /^(FILE|PATH|DIR)$/)
			kinds = kinds " FILE"
		else if (part[i] ~ /^[a-z]+:PATH$/)
			kinds = kinds " " substr(part[i], 1, index(part[i], ":") - 1) "+FILE"
		else if (part[i] ~ /^[a-z0-9]+$/ || part[i] ~ /^[0-9]/)
			kinds = kinds " " part[i]
	}
	sub(/^ /, "", kinds)
	return kinds
}

function take_name(line,    rest, of) {
	of = is_usage ? "" : command
	match(line, /^  -*[a-z-]+/)
	many[of]++
	current = of SUBSEP many[of]
	names[current] = substr(line, 3, RLENGTH - 2)
	rest = substr(line, RLENGTH + 1)
	sub(/^, -h/, "", rest)
	match(rest, /   *|$/)
	values[current] = substr(rest, 2, RSTART - 2)
	descriptions[current] = substr(rest, RSTART + RLENGTH)
}

function take_line(line) {
	if (line ~ /^Usage: ferry [a-z]+ / && !is_usage) {
		split(line, word, " ")
		command = word[3]
		operands[command] = line
	}
	if (line ~ /^  (--)?[a-z]/) {
		take_name(line)
	} else if (line !~ /^         /) {
		current = ""
	} else if (current) {
		sub(/^ */, "", line)
		if (line ~ /^\[/)
			values[current] = values[current] line
		else
			descriptions[current] = descriptions[current] (descriptions[current] ? " " : "") line
	}
}

function is_option(of, i) {
	return names[of, i] ~ /^-/
}

# The names of its options, or else of its commands.
function list_of(of, options,    list, i) {
	list = ""
	for (i = 1; i <= many[of]; i++)
		if (options ? is_option(of, i) : !is_option(of, i))
			list = list " " names[of, i]
	return list
}

# What stands where no option does.
function operand_kinds(of) {
	if (operands[of] ~ /KERNEL/)
		return "OPTIONS FILE"
	if (operands[of] ~ /ADDR/)
		return "ADDR"
	return (operands[of] ~ /PATH/ ? "FILE" : "") list_of(of, 0)
}

function quoted(text, quote) {
	gsub(/'/, quote, text)
	return "'" text "'"
}

function bash_values(    i, j, of) {
	for (j = 1; of = names["", j]; j++)
		for (i = 1; i <= many[of]; i++)
			if (is_option(of, i) && values[of, i])
				print indent of ":" names[of, i] ") _ferry_offer " kinds_of(values[of, i]) " ;;"
}

function bash_words(    j, of) {
	for (j = 1; of = names["", j]; j++) {
		print indent of ":-*) _ferry_offer" list_of(of, 1) " ;;"
		print indent of ":*) _ferry_offer " operand_kinds(of) " ;;"
	}
}

function zsh_text(text) {
	gsub(/[\[\]:]/, "\\\\&", text)
	return text
}

function zsh_words(    i, j, of, spec) {
	for (j = 1; of = names["", j]; j++) {
		print indent of ")\n" indent "\t_arguments \\"
		for (i = 1; i <= many[of]; i++) {
			if (!is_option(of, i))
				continue
			spec = "*" names[of, i] (values[of, i] ? "=" : "") \
				"[" zsh_text(clause(descriptions[of, i])) "]"
			if (values[of, i])
				spec = spec ":value:{_ferry_offer " kinds_of(values[of, i]) "}"
			print indent "\t\t" quoted(spec, "'\\''") " \\"
		}
		print indent "\t\t'*:argument:{_ferry_offer " operand_kinds(of) "}'\n" indent "\t;;"
	}
}

# Arguments of fish's `complete` for what may stand there.
function fish_kinds(kinds, is_value,    words, files, count, kind, i) {
	count = split(kinds, kind, " ")
	words = ""
	files = 0
	for (i = 1; i <= count; i++) {
		sub(/\+FILE$/, ":", kind[i])
		if (kind[i] == "FILE")
			files = 1
		else if (kind[i] == "ADDR")
			words = words " (__ferry_devices)"
		else if (kind[i] == "OPTIONS")
			words = words " (__ferry_option_files)"
		else
			words = words " " kind[i]
	}
	return (is_value ? (files ? " -r -F" : " -x") : (files ? " -F" : "")) \
		(words ? " -a '" substr(words, 2) "'" : "")
}

function fish_words(    i, j, of, begin, kinds) {
	for (j = 1; of = names["", j]; j++) {
		begin = "complete -c ferry -n '__ferry_is " of "'"
		for (i = 1; i <= many[of]; i++)
			print begin (is_option(of, i) ? " -l " substr(names[of, i], 3) \
				(values[of, i] ? fish_kinds(kinds_of(values[of, i]), 1) : "") : \
				" -a " names[of, i]) " -d " quoted(clause(descriptions[of, i]), "\\'")
		kinds = operands[of] ~ /PATH/ ? "FILE" : operand_kinds(of)
		if (kinds)
			print begin fish_kinds(kinds, 0)
	}
}

function commands(    j, of, text) {
	for (j = 1; of = names["", j]; j++) {
		text = clause(descriptions["", j])
		if (shell == "zsh")
			print indent quoted(of ":" text, "'\\''")
		else
			print "complete -c ferry -n __fish_use_subcommand -a " of " -d " quoted(text, "\\'")
	}
}

/^static const char (help_text|usage)\[\]/ {
	is_text = 1
	is_usage = /usage/
	next
}

is_text {
	take_line(text_of($0))
	is_text = !/;$/
	next
}

FILENAME ~ /\.c$/ {
	next
}

/^\t*\{[a-z]+\}$/ {
	indent = $0
	sub(/\{.*/, "", indent)
	if (/commands/)
		commands()
	else if (/values/)
		bash_values()
	else if (shell == "bash")
		bash_words()
	else if (shell == "zsh")
		zsh_words()
	else
		fish_words()
	next
}

{
	sub(/ \{commands\}/, list_of("", 0))
	print
}
