# SPDX-License-Identifier: MIT
# What inside.sh printed as one TAP report: each test by itself, as PROGRAM/TEST. Where SKIPS names a file, a skip
# that it does not list, with its place, test and reason, is a failure.
#
#	awk -v where=PLACE [-v skips=FILE] -f report.awk

function result(good, text)
{
	print (good ? "ok " : "not ok ") ++n " - " text
	if (!good)
		bad = 1
}

function done(status)
{
	if (seen != planned || seen == 0)
		result(0, program ": " seen " tests of " planned)
	if (status != 0 && !failed)
		result(0, program " ends with " status)
	program = ""
}

BEGIN {
	while (skips != "" && (r = (getline line < skips)) > 0)
		if (line !~ /^(#|$)/)
			accepted[line] = 1
	if (skips != "" && r < 0) {
		print "Bail out! cannot read " skips
		exit bad = 1
	}
}

/^@ begin / {
	program = $3
	seen = planned = failed = 0
	next
}

/^@ end / {
	done($3)
	next
}

/^1\.\.[0-9]+$/ {
	planned = substr($0, 4)
	next
}

/^# skipped: / {
	reason = $0
	sub(/^# skipped: [^:]*: /, "", reason)
	next
}

/^not ok [0-9]+ # SKIP / {
	seen++
	line = where " " program "/" $6 " " reason
	if (skips != "" && !(line in accepted))
		result(0, program "/" $6 ": skipped, but not one of those accepted: " reason)
	else
		result(1, program "/" $6 " # SKIP " reason)
	reason = ""
	next
}

/^(not )?ok [0-9]+ - / {
	seen++
	good = $1 == "ok"
	failed += !good
	text = $0
	sub(/^(not )?ok [0-9]+ - /, "", text)
	result(good, program "/" text)
	next
}

{
	sub(/^# */, "")
	if ($0 != "" && !/^ok - /)
		print "# " $0
}

END {
	if (program != "")
		done("nothing")
	if (n == 0 && !bad)
		result(0, "no test ran")
	print "1.." n + 0
	exit bad
}
