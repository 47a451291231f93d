package main_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/servertest"
	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

var updateRunbooks = flag.Bool("update-runbooks", false, "write into the runbooks what their commands print")

const runbooks = "../../docs/runbooks/"

// runbookTime bounds the commands of one page.
const runbookTime = 3 * time.Minute

// installations are those of pages that need more than the embedded default.
var installations = map[string]func(*testing.T) *site{
	"replica-lag.md": newReplicatedSite,
	"restore.md":     newMigratedSite,
}

// TestRunbooks follows every page, as docs/runbooks/README.md describes it, on an installation of its own.
func TestRunbooks(t *testing.T) {
	files, err := filepath.Glob(runbooks + "*.md")
	require.NoError(t, err)
	followed := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		page := parseRunbook(t, string(text))
		if !slices.ContainsFunc(page, func(p passage) bool { return p.command != "" && !p.hidden }) {
			continue
		}
		followed++
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			install := newSite
			if special, ok := installations[filepath.Base(file)]; ok {
				install = special
			}
			printed := follow(t, install(t), page)
			if *updateRunbooks {
				require.NoError(t, os.WriteFile(file, []byte(rewrite(page, printed)), 0o600))
				return
			}
			for i, p := range page {
				if p.command != "" && !p.hidden {
					require.True(t, p.prints(printed[i]), "$ %s\n--- the page says\n%s--- printed\n%s", p.command, p.says, printed[i])
				}
			}
		})
	}
	require.Positive(t, followed)
}

// TestRunbooks_names wants every metric and alert that a page names to be there.
func TestRunbooks_names(t *testing.T) {
	metrics, err := os.ReadFile("../../docs/metrics.md")
	require.NoError(t, err)
	files, err := filepath.Glob(runbooks + "*.md")
	require.NoError(t, err)
	suffix := regexp.MustCompile(`_(bucket|sum|count)?$`) // or a name that is given in part
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, name := range regexp.MustCompile(`\borderprocessing_\w+`).FindAllString(string(text), -1) {
			require.Contains(t, string(metrics), "`"+suffix.ReplaceAllString(name, ""), file)
		}
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(string(text), -1) {
			require.FileExists(t, filepath.Join(runbooks, link[1]), file)
		}
	}
}

// runbookQueries gives what pages ask Prometheus.
func runbookQueries(t *testing.T) (all []string) {
	t.Helper()
	files, err := filepath.Glob(runbooks + "*.md")
	require.NoError(t, err)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		for _, query := range regexp.MustCompile("`([^`\n]*(?:orderprocessing|go|process|slo)[_:]\\w[^`\n]*)`").FindAllStringSubmatch(string(text), -1) {
			all = append(all, query[1])
		}
	}
	require.NotEmpty(t, all)
	return all
}

// passage is a piece of a page: text, or a command with what it prints.
type passage struct {
	text    string // as it stands in the page
	command string
	says    string
	hidden  bool // it prepares what the page is about, and its reader does not see it
}

var (
	fences = regexp.MustCompile("(?ms)^(?:```(\\w*)\n(.*?)^```\n|<!-- run\n(.*?)-->\n)")
	steps  = regexp.MustCompile(`(?m)^\$ `)
)

// parseRunbook takes a page apart. All its passages together are the page.
func parseRunbook(t *testing.T, text string) (page []passage) {
	t.Helper()
	for text != "" {
		at := fences.FindStringSubmatchIndex(text)
		if at == nil {
			return append(page, passage{text: text})
		}
		page = append(page, passage{text: text[:at[0]]})
		block := text[at[0]:at[1]]
		switch {
		case at[6] >= 0:
			page = append(page, passage{text: block, command: text[at[6]:at[7]], hidden: true})
		case text[at[2]:at[3]] == "console":
			body := text[at[4]:at[5]]
			starts := steps.FindAllStringIndex(body, -1)
			require.NotEmpty(t, starts, "a console block begins with a command:\n%s", block)
			page = append(page, passage{text: "```console\n" + body[:starts[0][0]]})
			for i, start := range starts {
				end := len(body)
				if i+1 < len(starts) {
					end = starts[i+1][0]
				}
				page = append(page, parseStep(body[start[0]:end]))
			}
			page = append(page, passage{text: "```\n"})
		case text[at[2]:at[3]] == "sh":
			require.Regexp(t, `^# Not run by the test: \S`, text[at[4]:at[5]], "what cannot run says why")
			page = append(page, passage{text: block})
		default:
			page = append(page, passage{text: block})
		}
		text = text[at[1]:]
	}
	return page
}

// parseStep takes a command, which goes on over lines that end in a backslash or stand in quotes, from what it
// prints.
func parseStep(text string) passage {
	p := passage{text: text}
	lines := strings.SplitAfter(strings.TrimPrefix(text, "$ "), "\n")
	n := 1
	for n < len(lines) && (strings.HasSuffix(lines[n-1], "\\\n") || strings.Count(strings.Join(lines[:n], ""), "'")%2 == 1) {
		n++
	}
	p.command, p.says = strings.Join(lines[:n], ""), strings.Join(lines[n:], "")
	return p
}

var blanks = regexp.MustCompile(` +`)

// prints tells whether that is what the command prints by the page, where … is anything, on a line of its own any
// lines, and one blank is as good as two: protobuf's JSON varies them from build to build.
func (p passage) prints(said string) bool {
	var all strings.Builder
	for line := range strings.Lines(blanks.ReplaceAllString(p.says, " ")) {
		if line == "…\n" {
			all.WriteString(`([^\n]*\n)*?`)
			continue
		}
		all.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", `[^\n]*`))
	}
	return regexp.MustCompile(`^` + all.String() + `$`).MatchString(blanks.ReplaceAllString(said, " "))
}

// rewrite gives the page with what was printed where that is not what the page says.
func rewrite(page []passage, printed []string) string {
	var all strings.Builder
	for i, p := range page {
		if p.command != "" && !p.hidden && !p.prints(printed[i]) {
			p.text = "$ " + p.command + printed[i]
		}
		all.WriteString(p.text)
	}
	return all.String()
}

// runbookPorts are those that pages name; the test has others.
var runbookPorts = []string{"8080", "9090", "8090", "6379"}

// follow runs the commands of a page in one shell, beside a server, and gives what each printed.
func follow(t *testing.T, s *site, page []passage) []string {
	t.Helper()
	there, back := []string{}, []string{}
	for _, port := range runbookPorts {
		ours := strconv.Itoa(servertest.FreePort(t))
		there, back = append(there, ":"+port, ":"+ours), append(back, ":"+ours, ":"+port)
	}
	const mark = "\x1e"
	prelude, err := os.ReadFile("testdata/runbooks.sh")
	require.NoError(t, err)
	script := string(prelude)
	for i, p := range page {
		if p.command != "" {
			script += fmt.Sprintf("printf '%s%d%s'\n%s", mark, i, mark, p.command)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), runbookTime)
	defer cancel()
	tools, err := filepath.Abs("../../bin")
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(tools, "grpcurl"), "make bin/grpcurl builds it")
	cmd := exec.CommandContext(ctx, "bash", "-eu", "-c", strings.NewReplacer(there...).Replace(script)) //nolint:gosec // our own pages
	cmd.Dir = s.dir
	cmd.Env = append(slices.Clone(s.env),
		"PATH="+filepath.Dir(program)+":"+tools+":"+os.Getenv("PATH"),
		"ORDERPROCESSING_SERVER_PORT"+strings.Replace(there[1], ":", "=", 1), "ORDERPROCESSING_OPS_PORT"+strings.Replace(there[3], ":", "=", 1),
		"ORDERPROCESSING_URL=http://127.0.0.1"+there[1],
	)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what it starts ends with it
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	output, err := cmd.CombinedOutput()
	text := strings.NewReplacer(back...).Replace(string(output))
	printed := make([]string, len(page))
	parts := strings.Split(text, mark)
	for i := 1; i+1 < len(parts); i += 2 {
		n, convErr := strconv.Atoi(parts[i])
		require.NoError(t, convErr)
		printed[n] = parts[i+1]
	}
	require.NoError(t, err, "%s", strings.ReplaceAll(text, mark, "\n---- "))
	return printed
}

// newReplicatedSite is an installation whose one shard has a standby.
func newReplicatedSite(t *testing.T) *site {
	t.Helper()
	primary, err := pgtest.Start(t.Context(), pgtest.Options{Replicated: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, primary.Close()) })
	home, err := primary.CreateDatabase(t.Context(), "home")
	require.NoError(t, err)
	shard, err := primary.CreateDatabase(t.Context(), "shard_0")
	require.NoError(t, err)
	standby, err := primary.Standby(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, standby.Close()) })
	s := newSite(t).on([]string{home, shard}).with("ORDERPROCESSING_STORE_REPLICAS="+standby.URL("shard_0"), "STANDBY="+standby.URL("shard_0"), "SHARD="+shard)
	s.do(t, "migrate", "up")
	return s
}
