package main_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// rounds is how often something is killed in one import.
const rounds = 10

// seedVariable names the environment variable that holds the seed of a failure that is to be repeated.
const seedVariable = "ORDERPROCESSING_TEST_SEED"

// newRandom gives numbers that a failure can be repeated with.
func newRandom(t *testing.T) *rand.Rand {
	t.Helper()
	seed := rand.Uint64()
	if given := os.Getenv(seedVariable); given != "" {
		var err error
		seed, err = strconv.ParseUint(given, 10, 64)
		require.NoError(t, err, seedVariable)
	}
	t.Logf("%s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func TestKill(t *testing.T) {
	files := killFiles(t)
	var undisturbed string
	var answers int64
	for _, backend := range backends {
		t.Run("an import whose client or server is killed ten times is as if undisturbed on "+backend.name, func(t *testing.T) {
			if undisturbed == "" {
				undisturbed, answers = importUndisturbed(t, files)
			}
			s, g := backend.make(t), newGate(t)
			killRounds(t, s, g, files, answers)

			srv := s.serve(t)
			summary, _ := s.importAll(t, srv.url, files...)
			t.Logf("the last import: %+v", summary.Total)
			require.Equal(t, undisturbed, s.do(t, "report", "--json", "--server", srv.url))
			s.verify(t)
		})
	}
}

// killDays is enough for every kill to meet orders that are new.
const killDays = 40

// killFiles is copies of the sample day, each a day later and with numbers of its own.
func killFiles(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(testdata, "online-retail", "sample-2010-12-01.csv"))
	require.NoError(t, err)
	header, rows, _ := strings.Cut(string(text), "\n")
	var all bytes.Buffer
	fmt.Fprintln(&all, header)
	for day := range killDays {
		date := time.Date(2010, time.December, 1+day, 0, 0, 0, 0, time.UTC).Format(",2006-01-02 ")
		for row := range strings.Lines(rows) {
			prefix := ""
			if row[0] == 'C' {
				prefix, row = "C", row[1:]
			}
			number, err := strconv.Atoi(row[:6])
			require.NoError(t, err)
			row = strings.Replace(row[6:], ",2010-12-01 ", date, 1)
			fmt.Fprintf(&all, "%s%d%s", prefix, number+1000*day, row)
		}
	}
	path := filepath.Join(t.TempDir(), "days.csv")
	require.NoError(t, os.WriteFile(path, all.Bytes(), 0o600))
	return append(sampleBooks(t).files[1:], path)
}

// importUndisturbed gives the report that an import comes to, and how many bytes answer it.
func importUndisturbed(t *testing.T, files []string) (figures string, answers int64) {
	t.Helper()
	s, g := newSite(t), newGate(t)
	srv := s.serve(t)
	g.to(srv)
	_, took := s.importAll(t, g.url, files...)
	t.Logf("undisturbed, the import takes %.1f s and %d bytes of answers", took.took.Seconds(), g.count())
	return s.do(t, "report", "--json", "--server", srv.url), g.count()
}

// killRounds imports and kills either side, each time after more was answered than ever before, so
// that every kill meets documents that are new.
func killRounds(t *testing.T, s *site, g *gate, files []string, answers int64) {
	t.Helper()
	random := newRandom(t)
	srv := s.serve(t)
	g.to(srv)
	var client *importing
	var target int64
	killed := map[bool]int{}
	for round := range rounds {
		target += 1 + random.Int64N(2*(answers*9/10-target)/int64(rounds-round+1))
		if client == nil {
			g.reset()
			client = s.startImport(t, g.url, files...)
		}
		reached := g.reached(target)
		select {
		case <-reached:
		case <-client.ended:
			require.FailNow(t, "the import ended before it was killed", "%s", client.output.String())
		case <-time.After(startTime):
			require.FailNow(t, "the import does not get on", "%s", srv.log.tail())
		}
		select { // somewhere in the transactions that follow
		case <-time.After(time.Duration(random.Int64N(int64(50 * time.Millisecond)))):
		case <-client.ended:
		}
		// Both kinds come up, whatever the numbers are.
		server := random.IntN(2) == 0
		if round == 0 || round == rounds-1 {
			server = round == 0
		}
		killed[server]++
		if server {
			srv.kill9(t)
			srv = s.serve(t)
			g.to(srv)
			continue
		}
		client.kill9(t)
		client = nil
	}
	t.Logf("killed the server %d times and the import %d times", killed[true], killed[false])
	if client != nil {
		client.kill9(t)
	}
	srv.kill9(t)
}

// importing is an import that runs.
type importing struct {
	cmd    *exec.Cmd
	output bytes.Buffer // complete when it has ended
	ended  chan struct{}
}

func (s *site) startImport(t *testing.T, url string, files ...string) *importing {
	t.Helper()
	i := &importing{ended: make(chan struct{})}
	i.cmd = s.command(t.Context(), append([]string{"import", "--json", "--server", url}, files...)...)
	i.cmd.Stdout, i.cmd.Stderr = &i.output, &i.output
	require.NoError(t, i.cmd.Start())
	go func() {
		_ = i.cmd.Wait() // killed, as a rule
		close(i.ended)
	}()
	t.Cleanup(func() {
		_ = i.cmd.Process.Kill() // it may have ended
		<-i.ended
	})
	return i
}

func (i *importing) kill9(t *testing.T) {
	t.Helper()
	_ = i.cmd.Process.Kill() // when it was just done, that was the moment
	<-i.ended
	if code := i.cmd.ProcessState.ExitCode(); code != -1 {
		require.Zero(t, code, "%s", i.output.String())
	}
}
