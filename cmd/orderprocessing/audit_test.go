package main_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/audit"
)

func TestAudit(t *testing.T) {
	for name, newSite := range map[string]func(*testing.T) *site{"SQLite": newSite, "Postgres": newMigratedSite} {
		t.Run(name, func(t *testing.T) { testAudit(t, newSite(t)) })
	}
}

func testAudit(t *testing.T, s *site) {
	t.Run("an installation that never served has no records", func(t *testing.T) {
		require.Contains(t, s.do(t, "audit", "verify"), "0 records, 0 problems")
		require.Empty(t, decode[[]audit.Record](t, s.do(t, "audit", "list", "--json")))
	})
	srv := s.serve(t)
	t.Run("the first start is in the log: it made the administrator's key", func(t *testing.T) {
		table := strings.Split(strings.TrimSpace(s.do(t, "audit", "list")), "\n")
		require.Len(t, table, 2)
		require.Regexp(t, `^NUMBER +TIME +ACTOR +ACTION +OBJECT +OUTCOME +DETAIL$`, table[0])
		require.Regexp(t, `^1 +\S+Z +system +identity.CreateApiKey +key_\w{26} +done +staff,operator$`, table[1])
		require.Empty(t, decode[[]audit.Record](t, s.do(t, "audit", "list", "--json", "--before", "1")))
	})
	srv.terminate(t)
	require.Zero(t, srv.wait(t))

	report := decode[struct {
		OK   bool
		Head struct {
			Number int64
			Hash   string
		}
	}](t, s.do(t, "audit", "verify", "--json"))
	require.True(t, report.OK)
	noted := fmt.Sprintf("%d:%s", report.Head.Number, report.Head.Hash)
	t.Run("what verify prints can be noted down and compared", func(t *testing.T) {
		require.Contains(t, s.do(t, "audit", "verify", "--noted", noted), "1 records, 0 problems, last "+noted)
		for _, wrong := range []string{"1", "x:" + report.Head.Hash, "1:abc"} {
			require.Equal(t, 1, s.run(t, "audit", "verify", "--noted", wrong).code)
		}
	})
	t.Run("a record that was changed is named, and the exit code is 1", func(t *testing.T) {
		_, err := s.open(t, 0).Write.ExecContext(t.Context(), "UPDATE audit_records SET actor = 'nobody'")
		require.NoError(t, err)
		got := s.run(t, "audit", "verify")
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stdout, "record 1  was changed")
	})
}

func TestAdminKey(t *testing.T) {
	t.Run("the key is in the data folder and not in the log", func(t *testing.T) {
		s := newSite(t)
		srv := s.serve(t)
		require.FileExists(t, filepath.Join(s.dir, "data", "admin.key"))
		key, err := os.ReadFile(filepath.Join(s.dir, "data", "admin.key"))
		require.NoError(t, err)
		require.NotContains(t, srv.log.String(), strings.TrimSpace(string(key)))
	})
	t.Run("with Postgres the first start tells it once", func(t *testing.T) {
		s := newMigratedSite(t).with("ORDERPROCESSING_AUTH_ADMIN_KEY=")
		for _, want := range []int{1, 0} {
			srv := s.serve(t)
			srv.terminate(t)
			require.Zero(t, srv.wait(t))
			require.Equal(t, want, strings.Count(srv.log.String(), "opk_"))
		}
	})
}
