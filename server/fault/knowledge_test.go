package fault_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write docs/knowledge-base anew")

const knowledgeBase = "../../docs/knowledge-base"

// httpStatus is what Connect answers with over HTTP, by code.
var httpStatus = map[string]int{
	"canceled": 499, "invalid_argument": 400, "deadline_exceeded": 504, "not_found": 404, "already_exists": 409,
	"permission_denied": 403, "resource_exhausted": 429, "failed_precondition": 400, "aborted": 409,
	"unimplemented": 501, "internal": 500, "unavailable": 503, "unauthenticated": 401,
}

// entry is a line of docs/errors.md. code is empty for what only operators meet.
type entry struct{ reason, code, happened, do, retry string }

// TestKnowledgeBase makes a page for each reason of docs/errors.md and oncall.md, and compares.
func TestKnowledgeBase(t *testing.T) {
	entries := entriesOf(t)
	notes := notesOf(t)
	pages := map[string]string{"README.md": index(entries)}
	for _, e := range entries {
		pages[e.reason+".md"] = page(t, e, notes[e.reason])
		delete(notes, e.reason)
	}
	require.Empty(t, notes, "oncall.md has a section for what is no reason")
	if *update {
		require.NoError(t, os.RemoveAll(knowledgeBase))
		require.NoError(t, os.MkdirAll(knowledgeBase, 0o755))
		for name, text := range pages {
			require.NoError(t, os.WriteFile(filepath.Join(knowledgeBase, name), []byte(text), 0o644))
		}
	}
	files, err := filepath.Glob(knowledgeBase + "/*")
	require.NoError(t, err)
	require.Len(t, files, len(pages))
	for name, want := range pages {
		got, err := os.ReadFile(filepath.Join(knowledgeBase, name))
		require.NoError(t, err)
		require.Equal(t, want, string(got), "%s is out of date: go test ./server/fault -update", name)
	}
}

func entriesOf(t *testing.T) (all []entry) {
	t.Helper()
	text, err := os.ReadFile("../../docs/errors.md")
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.Trim(line, "| \n"), " | ")
		reason := strings.Trim(cells[0], "`")
		switch {
		case !strings.HasPrefix(line, "| `"):
		case len(cells) == 5:
			all = append(all, entry{reason, cells[1], cells[2], cells[3], cells[4]})
		default:
			require.Len(t, cells, 3, line)
			all = append(all, entry{reason: reason, happened: cells[1], do: cells[2]})
		}
	}
	return all
}

// notesOf reads the sections of oncall.md.
func notesOf(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("oncall.md")
	require.NoError(t, err)
	notes := map[string]string{}
	for _, section := range strings.Split(string(text), "\n## ")[1:] {
		reason, note, _ := strings.Cut(section, "\n")
		notes[reason] = strings.TrimSpace(note)
	}
	return notes
}

func index(entries []entry) string {
	var text strings.Builder
	text.WriteString("# Reasons\n\nA page for each reason that an error may have: what happened, how to see it, what to do. They are\n" +
		"generated from [errors.md](../errors.md) and `server/fault/oncall.md`: `go test ./server/fault -update`.\n\n")
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.reason, b.reason) })
	for _, e := range entries {
		fmt.Fprintf(&text, "- [%s](%s.md): %s\n", e.reason, e.reason, elsewhere(e.happened))
	}
	return text.String()
}

// elsewhere turns the links of docs/errors.md into those of a page below it.
func elsewhere(text string) string {
	return regexp.MustCompile(`\]\(([a-z-]+\.md)`).ReplaceAllString(text, "](../$1")
}

func page(t *testing.T, e entry, note string) string {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "# %s\n\n%s\n\n## What to do\n\n%s\n", e.reason, elsewhere(e.happened), elsewhere(e.do))
	if e.code != "" {
		fmt.Fprintf(&text, "\nRepeating the call, with the same request id and after a pause, helps: %s.\n", e.retry)
	}
	if note != "" {
		fmt.Fprintf(&text, "\n## On call\n\n%s\n", note)
	}
	if e.code == "" {
		fmt.Fprintf(&text, "\n## How to see it\n\nA command, or the start of the server, ends with 1 and prints a sentence that ends with `(%s)`.\n", e.reason)
		return text.String()
	}
	text.WriteString("\n## How to see it\n\n")
	fmt.Fprintf(&text, "- In the log: lines `call` with `reason` %s; `caller`, `procedure` and `trace_id` tell whose call and which.\n", e.reason)
	code, _, _ := strings.Cut(e.code, " or ")
	if status, ok := httpStatus[code]; ok {
		fmt.Fprintf(&text, "- In the metrics: `sum by (procedure) (rate(orderprocessing_rpc_requests_total{code=%q}[5m]))`.\n", code)
		if code == "permission_denied" || code == "unauthenticated" {
			fmt.Fprintf(&text, "- `orderprocessing_rpc_denied_total{reason=%q}` where the call was refused for who calls;\n"+
				"  `orderprocessing audit list` has the denials of known callers.\n", e.reason)
		}
		fmt.Fprintf(&text, "- At the caller: %s, HTTP %d.\n\n## Example\n\n```json\n"+
			"{\"code\":%q,\"message\":\"…\",\"details\":[{\"type\":\"google.rpc.ErrorInfo\",\"value\":\"…\",\"debug\":{\"reason\":%q,\"domain\":\"orderprocessing\"}}]}\n```\n",
			e.code, status, code, e.reason)
		return text.String()
	}
	require.Regexp(t, `^HTTP \d+$`, e.code)
	fmt.Fprintf(&text, "- At the caller: %s.\n", e.code)
	return text.String()
}
