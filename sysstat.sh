# How busy is this machine? SysStat sends this to sh. It writes nothing to disk and
# leaves nothing running, but a sadf that a bad disk keeps from ending. It is one
# command, so half of it does nothing, and what it runs cannot read on in it.
{
	PATH=$PATH:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	LC_ALL=C
	export PATH LC_ALL
	exec 3>&1

	part() { # the beginning of a part; the part before may lack the end of its line
		echo
		echo "@bbb $1"
	}
	counters() {
		part "uptime$1"
		cat /proc/uptime
		part "stat$1"
		grep -E '^(cpu|procs_blocked)' /proc/stat # the rest is long
		part "net$1"
		cat /proc/net/dev
	} 2>/dev/null
	sample() { # one sample of sadf, the newest of the day, then its words and its status
		part sadf
		words=$({
			{
				# shellcheck disable=SC2086 # words, and none when empty
				$limit sadf -j "$@" -- -u ALL -b -v -r $all -S -n DEV,EDEV,SOCK -q 2>&4
				echo "status $?" >&4
			} | awk '/"timestamp":/ { n++; last = "" }
				n { last = last $0 "\n"; next }
				{ print }
				END { printf "%s", last; exit !n }' >&3
		} 4>&1)
		found=$?
		part words
		echo "$words"
	}

	part begin
	counters 1
	sleep 0.5 2>/dev/null || sleep 1
	counters 2
	part clock
	date +%s
	part loadavg
	cat /proc/loadavg 2>/dev/null
	part meminfo
	cat /proc/meminfo 2>/dev/null
	part uname
	uname -snrm

	# Last, and with a limit, since a bad disk may keep it for ever.
	limit=
	timeout 5 true 2>/dev/null && limit='timeout 5'
	all=ALL
	sample
	case $words in
	*'Cannot open ALL'*) # older than 11.1.3
		all=
		sample
		;;
	esac
	case $found$words in
	0*) ;;
	*'status 0' | *'status 2') sample -1 ;; # the day has just begun: ask for yesterday
	esac
	part end
	exit 0
} </dev/null
