"""Commands of everyday tools that destroy work or lift a guard, as parts of the pattern in `gate.asked`.

They are for verbose patterns in any case of letters. Each repeat has a bound, or gives nothing back.
"""

# ruff: noqa: E501  (one tool a line reads best)

from __future__ import annotations

__all__ = ["DESTROYS", "FLAGS", "REST", "UNLOCKS"]

_PART = r"(?:\\.|\"[^\"\n]{0,300}\"|'[^'\n]{0,300}'|[^\s`'\"\\])"
FLAGS = rf"(?:-{_PART}{{1,300}}+\s{{1,9}}(?:(?!-){_PART}{{1,300}}+\s{{1,9}})?){{0,20}}"
"""Options between a program and its verb, each perhaps with a value."""
REST = r"[^`\n;|&]{0,200}?"
"""Words of the same command."""

_NO_PROSE = r"(?!(?:is|are|was|to|or|and|but|used|the|an?|that|which|can|cannot|could|will|would|may|must|should|never|not|no|also|do|does|did|of|with|when|if|you)\b)"
_WORDS = rf"(?:(?!-){_NO_PROSE}[\w./:@=-]{{1,60}}[ \t]{{1,9}}){{0,4}}"
"""Subcommands and names before a verb."""
_VERB = r"(?:delete|destroy|drop|purge|wipe|truncate|terminate|nuke)"
_PLAIN_VERB = rf"(?:[\w-]{{1,40}}[:.])?(?:{_VERB}(?:[-:][\w:-]{{1,60}})?|remove-[\w-]{{1,60}}|[\w-]{{1,40}}:reset)(?![\w./(=-])"
"""Such a verb as a whole word of a command: `delete`, `delete-stack`, `apps:destroy`."""
_SURE = r"(?:--(?:force|yes|assume-?yes|confirm|no-?input|no-?interaction|non-?interactive|auto-?approve|skip-final-snapshot|purge)\b|(?-i:-y)(?![\w-]))"
"""Options by which nobody is asked."""
_CLOUDS = (
    r"(?:aws|az|bq|cdk|cdktf|cf|consul|copilot|doctl|eb|eksctl|etcdctl|firebase|fly(?:ctl)?|gcloud|gh|glab|hcloud|heroku|ibmcloud"
    r"|kops|linode-cli|lxc|multipass|netlify|nomad|oc|oci|railway|sam|scw|serverless|sls|sst|supabase|terragrunt"
    r"|vagrant|vault|vercel|virsh|wrangler|zfs|zpool)"
)
_LOOKS_FOR = (
    r"(?:git|[re]?grep|rg|ag|ack|man|tldr|which|type|echo|printf|cat|ls|cd|sed|awk|npm|pnpm|yarn|bun|npx|pipx?3?|uvx?|poetry|conda"
    r"|mamba|brew|apt(?:-get)?|cargo|go|pytest|python3?|node|const|let|var|def|func(?:tion)?|class|import|from|return|await|on)"
)
"""Programs that take such a word as any other, or only clear what they fetch again; and words of code."""
_STARTS = r"(?:(?<=`)|(?<=\$[ ])|(?<=&&[ ])|(?<=\|\|[ ])|(?<=;[ ]))"
"""Where a command begins for sure. A line may begin with a sentence."""
_MADE = (
    r"(?:\./)?(?:[\w.@-]{1,80}/){0,9}(?:build|dist|out|target|obj|node_modules|coverage|htmlcov|te?mp|venv"
    r"|[\w.-]{1,40}-build|cmake-build-[\w-]{1,40}|[\w*.-]{0,80}\.egg-info|__pycache__|\.[\w-]{0,40}cache|\.next|\.nuxt|\.venv|\.tox"
    r"|\.gradle|\.parcel-cache|\.turbo|\.terraform|/?te?mp/[\w./*-]{1,200})/?\*?"
)
"""What a build makes again."""
_END = r"(?=[\s`\"'.,;)|&]|$)"

DESTROYS = rf"""
      \bgit(?:\.exe)?\s{{1,9}}{FLAGS}(?:
          # names of files, or all; which side of a conflict is no loss
          checkout\s{{1,9}}(?!{REST}--(?:ours|theirs)\b)(?:[^\s`;|&-][^\s`;|&]{{0,200}}\s{{1,9}}){{0,1}}(?:--\s{{1,9}}[^\s`] | \.{_END})
        | checkout\b{REST}\s(?:-f\b | --force\b)
        | switch\b{REST}\s(?:-f\b | --force\b | --discard-changes\b)
        # to take files out of the index alone loses nothing
        | restore\s{{1,9}}(?!-h\b|--help\b|{REST}--(?:ours|theirs)\b)
            (?: (?={REST}(?:--worktree\b|(?<=\s)(?-i:-S?W))) | (?!{REST}(?:--staged\b|(?<=\s)(?-i:-S\b))) )[^\s`]
        | stash\s{{1,9}}(?:clear|drop)\b
        | reflog\s{{1,9}}(?:expire|delete)\b | gc\b{REST}\s--prune=(?:now|all)\b
        | filter-(?:branch|repo)\s{{1,9}}(?!--?h) | update-ref\b{REST}\s-d\b
        | worktree\s{{1,9}}remove\b{REST}\s(?:-f\b | --force\b)
        | submodule\s{{1,9}}deinit\b{REST}\s(?:-f\b | --force\b)
      )
    # a program of that name, not `git rm` or the like; what a build makes is no loss
    | (?<![\w./-])(?<!git[ ])(?<!npm[ ])(?<!docker[ ])(?<!gsutil[ ])(?<!s3[ ])rm[ \t]{{1,9}}(?={REST}(?<!\S)-(?:-recursive|\w{{0,9}}r\w{{0,9}})(?![\w\"'-]))
        (?!(?:-[\w-]{{1,40}}[ \t]{{1,9}}|[\"']?{_MADE}[\"']?(?:[ \t]{{1,9}}|{_END})){{1,40}}(?:[`\n;|&.,)]|$))[^`\n;|&]{{1,80}}
    | (?<![\w./-])rm[ \t]{{1,9}}{REST}[\w*-]\.(?:db|sqlite3?|rdb|mdb|sql|bak|dump)\b
    | \b(?:docker|podman|nerdctl)(?:-compose|[ \t]{{1,9}}compose)\s{{1,9}}{FLAGS}(?:down|rm)\b{REST}\s(?:(?-i:-[a-z]{{0,5}}v[a-z]{{0,5}}) | --volumes)\b
    | \b(?:docker|podman|nerdctl)\s{{1,9}}{FLAGS}(?:container\s{{1,9}})?rm\b{REST}\s(?:(?-i:-[a-z]{{0,5}}[fv][a-z]{{0,5}}) | --force | --volumes)\b
    | \bprisma\s{{1,9}}(?:migrate\s{{1,9}}reset\b | db\s{{1,9}}push\b{REST}\s--(?:accept-data-loss|force-reset)\b)
    | \bdb:(?:drop|reset|purge|wipe|rollback:all|schema:load|migrate:(?:reset|undo:all))(?![\w/]) | \b(?:schema|database):drop\b
    | \bmigrate:(?:fresh|refresh|reset)\b | \bmigrate:rollback\b{REST}\s--all\b
    | \bmanage\.py\s{{1,9}}{FLAGS}(?:flush|reset_db|sqlflush)\b | \bmanage\.py\s{{1,9}}{FLAGS}migrate\s{{1,9}}\w{{1,60}}\s{{1,9}}zero\b
    | \b(?:alembic|flask[ ]db)\s{{1,9}}{FLAGS}downgrade\s{{1,9}}base\b | \becto\.(?:drop|reset)\b | \bflyway\s{{1,9}}{FLAGS}clean\b
    | \bliquibase\s{{1,9}}{FLAGS}drop-?all\b | \bsupabase\s{{1,9}}{FLAGS}db\s{{1,9}}reset\b
    | \bdropDatabase\s?\( | \bdb\.[\w.]{{1,80}}\.(?:drop|(?:deleteMany|remove)\s?\(\{{\}})\s?[()] | \bdropuser\s{{1,9}}[\w\"'$-] | \bmysqladmin\b{REST}\sdrop\b
    | \betcdctl\s{{1,9}}{FLAGS}del\s | \bconsul\s{{1,9}}kv\s{{1,9}}delete\b
    | \bkafka-[\w-]{{1,40}}(?:\.sh|\.bat)?\s{REST}--delete\b | \brabbitmqctl\s{{1,9}}{FLAGS}(?:purge_queue|delete_\w{{1,20}}|(?:force_)?reset)\b | \bcelery\b{REST}\spurge\b
    | \bgsutil\s{{1,9}}{FLAGS}(?:rm|rb)\s | \b(?:rclone)\s{{1,9}}{FLAGS}(?:delete|purge|deletefile|rmdirs)\s | \bmc\s{{1,9}}(?:rm|rb)\s
    # a cloud's or an orchestrator's own program, whatever its verb is about
    | \b{_CLOUDS}\s{{1,9}}{FLAGS}{_WORDS}{_PLAIN_VERB}(?![ \t]{{1,9}}protection\b)
    | \b(?:serverless|sls|sst)\s{{1,9}}{FLAGS}remove\b | \brailway\s{{1,9}}down\b | \bgh\s{{1,9}}repo\s{{1,9}}archive\b
    | \b(?:gh|glab)\s{{1,9}}api\b{REST}\s(?:-X|--method)[\s=]{{0,3}}DELETE\b
    | \bkubectl\s{{1,9}}{FLAGS}(?:drain\s | scale\b{REST}\s--replicas[= ]0\b)
    | \b(?:terraform|tofu|terragrunt)\s{{1,9}}{FLAGS}(?:force-unlock\b | state\s{{1,9}}(?:rm|push)\b | workspace\s{{1,9}}delete\b)
    | \b(?:lv|vg|pv)remove\s | \bzpool\s{{1,9}}labelclear\b | \bbtrfs\s{{1,9}}subvolume\s{{1,9}}delete\b | \bmdadm\b{REST}\s--zero-superblock\b | \bsgdisk\b{REST}\s(?:-Z|--zap-all)\b
    | \btruncate\s{{1,9}}(?:-s|--size)[\s=]{{0,3}}0\b
    | \b(?:npm|pnpm)\s{{1,9}}{FLAGS}unpublish\b | \b(?:cargo|gem)\s{{1,9}}{FLAGS}yank\b | \bnpm\s{{1,9}}audit\s{{1,9}}fix\b{REST}\s--force\b
    | \bkill\s{{1,9}}(?:-\w{{1,9}}\s{{1,9}})?[\"']?(?:\$\(|`)\s?(?:lsof|pgrep|pidof|fuser|ps)\b | \bfuser\b{REST}\s(?:-\w{{0,9}}k | --kill\b) | \bxargs\s{{1,9}}{FLAGS}kill\b
    # any other program: by its verb, where a command begins, or where nobody would be asked
    | {_STARTS}(?!{_LOOKS_FOR}[ \t]){_NO_PROSE}(?-i:(?:\.{{0,2}}/)?[a-z][\w./-]{{1,40}})[ \t]{{1,9}}{_WORDS}(?<!cache[ ])(?:{_VERB}|delete-[\w-]{{1,60}})(?=[ \t]{{1,9}}[\w$\"'<{{*-]|`)
    | (?<![\w./-])(?<!cache[ ])(?:[\w-]{{1,40}}[:.])?(?:{_VERB}|reset|flush)(?:[-:][\w:-]{{1,60}})?[ \t](?:{REST}[ \t])?{_SURE}
"""
"""What is gone then, in a version, a database, a cloud, a cluster or on a disk."""

UNLOCKS = rf"""
      \b(?:terraform|tofu|terragrunt)\s{{1,9}}{FLAGS}\w{{1,20}}\b{REST}\s--?(?:auto-approve\b(?!=false) | lock=false\b)
    | \b(?:docker|podman|nerdctl)\b[^`\n]{{0,300}}\s(?:(?-i:-v)|--volume)[=\s]\s{{0,9}}[\"']?/:
    | \b(?:docker|podman|nerdctl)\b[^`\n]{{0,300}}\s--mount[=\s][^\s`]{{0,200}}\b(?:source|src)=/,
    | \b(?:docker|podman|containerd|crio)\.sock[\"']?:/ | \b(?:source|src)=[^\s`,]{{0,100}}\b(?:docker|podman|containerd)\.sock\b
    | \b(?:docker|podman|nerdctl)\b[^`\n]{{0,300}}\s--(?:cap-add[=\s]\s{{0,9}}(?:ALL|(?:CAP_)?SYS_\w{{1,20}}) | security-opt[=\s]\s{{0,9}}\S{{0,40}}unconfined)\b
    # hooks and checks of a commit
    | \bHUSKY=[\"']?0\b | \bHUSKY_SKIP_HOOKS=[\"']?1\b | (?-i:\bSKIP=[^\s`]{{1,200}}\s{{1,9}}(?:\w{{1,40}}=\S{{1,80}}\s{{1,9}})?(?:git|pre-commit)\b | \bexport\s{{1,9}}SKIP=) | \bPRE_COMMIT_ALLOW_NO_CONFIG=1 | \bLEFTHOOK=[\"']?(?:0|false)\b
    | \bgit\b{REST}\spush\b{REST}\s(?:-o|--push-option)[\s=]{{0,3}}[\"']?\S{{0,20}}skip
    # who is at the other end
    | \bPYTHONHTTPSVERIFY=[\"']?0 | --trusted-host\b | \bstrict-ssl[\s=]{{1,3}}[\"']?false\b | \bssl_verify[\s=:]{{1,3}}[\"']?(?:false|no|0)\b
    | \bStrictHostKeyChecking[\s=]{{1,3}}[\"']?(?:no|off)\b | --insecure-skip-tls-verify\b | --no-check-certificate\b | --skip-ssl-verify\b
    | --break-system-packages\b | --no-sandbox\b | --disable-web-security\b
    | \bchmod\s{{1,9}}{FLAGS}(?:[0-7]?[0-7]{{2}}[2367]\b | (?:[ugoa]{{0,4}}[oa][ugoa]{{0,4}})[+=][rx]{{0,2}}w)
    | \bsetfacl\b{REST}\s(?:(?-i:-\w{{0,9}}R) | --recursive\b)
"""
"""What is asked of nobody then, or let in."""
