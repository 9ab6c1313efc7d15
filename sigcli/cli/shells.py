"""What bash, zsh and fish are given to complete a command line; see `completion`."""

from __future__ import annotations

_BASH = r"""
_sigcli_completion() {
    COMPREPLY=()
    if [[ ${COMP_WORDS[COMP_CWORD-1]} =~ ^[0-9\&]*[\<\>]+[\&\|]?$ ]]; then
        compopt -o default
        return
    fi
    mapfile -t COMPREPLY < <(_SIGCLI_COMPLETE=complete_bash \
        "$1" "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && $COMPREPLY == *[/:] ]]; then
        compopt -o nospace
    fi
}

complete -F _sigcli_completion sigcli
"""

_ZSH = r"""
#compdef sigcli

_sigcli_completion() {
    local -a lines open shown
    lines=("${(@f)$(_SIGCLI_COMPLETE=complete_zsh "${(Q)words[1]}" \
        "${(j: :)words[1,CURRENT-1]} $QIPREFIX$IPREFIX$PREFIX" "$PREFIX" 2> /dev/null)}")
    open=("${(@M)lines:#*[/:]}")
    lines=("${(@)${(@)lines:#*[/:]}:#}")
    shown=("${(@)lines%%$'\t'*}")
    compadd -Q -U -d shown -- "${(@)lines##*$'\t'}"
    shown=("${(@)open%%$'\t'*}")
    compadd -Q -U -S '' -d shown -- "${(@)open##*$'\t'}"
}

compdef _sigcli_completion sigcli
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _sigcli_completion "$@"
fi
"""

_FISH = r"""
complete --command sigcli --no-files --arguments \
    '(env _SIGCLI_COMPLETE=complete_fish sigcli (commandline -cp | string collect) 2> /dev/null)'
"""

SCRIPTS = {"bash": _BASH.strip(), "zsh": _ZSH.strip(), "fish": _FISH.strip()}
