#!/bin/sh
# Makes Alertmanager's configuration from a file whose channels are enabled by the environment, then executes the given
# command:
#
#   render.sh TEMPLATE TARGET [COMMAND [ARGUMENT...]]
#
# A line "#[NAME] text" becomes "text" when NAME has a value, with the same indentation. ${NAME} becomes the value, inside
# single quotes with quotes doubled, as YAML requires. NAME_FILE may name a file whose first line is the value. The
# target has mode 0600. Needs only a POSIX shell and awk, which the image of Alertmanager has.
set -eu

template=$1 target=$2
shift 2

: "${ALERT_LANGUAGE:=vi}" "${ALERT_SMTP_TLS:=true}" "${ALERT_TELEGRAM_API:=https://api.telegram.org}"
export ALERT_LANGUAGE ALERT_SMTP_TLS ALERT_TELEGRAM_API

for name in ALERT_SMTP_PASSWORD ALERT_TELEGRAM_TOKEN ALERT_WEBHOOK_URL ALERT_HEARTBEAT_URL; do
    eval "file=\${${name}_FILE:-}"
    if [ -n "$file" ]; then
        # An empty file is a disabled channel; an unreadable one is an error.
        value=$(head -n 1 "$file") || { echo "render.sh: ${name}_FILE: cannot read $file" >&2; exit 1; }
        export "$name=$value"
    fi
done

umask 077
awk '
    function filled(text,    out, start, end, name, value) {
        out = ""
        while ((start = index(text, "${")) > 0) {
            end = index(substr(text, start), "}") + start - 1
            name = substr(text, start + 2, end - start - 2)
            if (!(name in ENVIRON) || ENVIRON[name] == "") {
                print "render.sh: " name " is needed and has no value" > "/dev/stderr"
                failed = 1
                exit 1
            }
            value = ENVIRON[name]
            gsub(/\047/, "\047\047", value)
            out = out substr(text, 1, start - 1) value
            text = substr(text, end + 1)
        }
        return out text
    }
    match($0, /^ *#\[[A-Z_]+\]/) {
        indent = $0; sub(/#.*/, "", indent)
        name = substr($0, length(indent) + 3, RLENGTH - length(indent) - 3)
        if (ENVIRON[name] != "") print indent filled(substr($0, RLENGTH + 2))
        next
    }
    /^ *#/ { print; next }
    { print filled($0) }
    END { if (failed) exit 1 }
' "$template" > "$target"

# Paths of templates are relative to the directory of this configuration's template.
folder=$(cd "$(dirname "$template")" && pwd)
sed "s|^  - templates/|  - $folder/templates/|" "$target" > "$target.new"
mv "$target.new" "$target"

[ $# -eq 0 ] || exec "$@"
