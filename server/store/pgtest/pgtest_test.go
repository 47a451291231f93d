package pgtest_test

import (
	"bufio"
	"context"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/store/pgtest"
)

func TestMain(m *testing.M) {
	if os.Getenv("PGTEST_DIE") != "" {
		startAndDie(m)
	}
	goleak.VerifyTestMain(m)
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	return conn
}

func ask(t *testing.T, url, query string) (answer string) {
	t.Helper()
	conn := connect(t, url)
	defer conn.Close(t.Context())
	require.NoError(t, conn.QueryRow(t.Context(), query).Scan(&answer))
	return answer
}

func TestURL(t *testing.T) {
	var mine string
	t.Run("a test has migrated tables of its own", func(t *testing.T) {
		mine = pgtest.URL(t)
		other := pgtest.URL(t)
		require.NotEqual(t, mine, other)
		conn := connect(t, mine)
		_, err := conn.Exec(t.Context(), "INSERT INTO server_keys VALUES ('a', 'b', now())")
		require.NoError(t, err)
		require.NoError(t, conn.Close(t.Context()))
		require.Equal(t, "1", ask(t, mine, "SELECT count(*)::text FROM server_keys"))
		require.Equal(t, "0", ask(t, other, "SELECT count(*)::text FROM server_keys"))
	})
	t.Run("after the test they are gone", func(t *testing.T) {
		_, err := pgx.Connect(t.Context(), mine)
		require.ErrorContains(t, err, "3D000")
	})
	t.Run("another has no table", func(t *testing.T) {
		require.Equal(t, "0", ask(t, pgtest.EmptyURL(t), "SELECT count(*)::text FROM pg_tables WHERE schemaname = 'public'"))
	})
	t.Run("another server is taken where one is named", func(t *testing.T) {
		cluster, err := pgtest.Start(t.Context(), pgtest.Options{})
		require.NoError(t, err)
		defer func() { require.NoError(t, cluster.Close()) }()
		for range 2 { // the second finds the template of the first
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestURL$/^(a_test|after|another_has)")
			cmd.Env = append(os.Environ(), pgtest.Variable+"="+cluster.URL("postgres"))
			output, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", output)
		}
		require.Equal(t, "1", ask(t, cluster.URL("postgres"), "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'orderprocessing%'"))
	})
}

func TestCluster(t *testing.T) {
	cluster, err := pgtest.Start(t.Context(), pgtest.Options{Durable: true, Settings: []string{"max_connections = 20"}})
	require.NoError(t, err)
	defer func() { require.NoError(t, cluster.Close()) }()
	url, err := cluster.CreateDatabase(t.Context(), "orders")
	require.NoError(t, err)
	require.Equal(t, "on on 20 127.0.0.1", ask(t, url,
		"SELECT concat_ws(' ', current_setting('fsync'), current_setting('synchronous_commit'), current_setting('max_connections'), current_setting('listen_addresses'))"))

	t.Run("what was committed survives a kill, and what was not does not", func(t *testing.T) {
		conn := connect(t, url)
		_, err := conn.Exec(t.Context(), "CREATE TABLE a AS SELECT generate_series(1, 10) AS i")
		require.NoError(t, err)
		tx, err := conn.Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), "DELETE FROM a")
		require.NoError(t, err)

		require.NoError(t, cluster.Kill9())
		require.Error(t, tx.Commit(t.Context()))
		_, err = pgx.Connect(t.Context(), url)
		require.Error(t, err)
		require.NoError(t, cluster.Restart(t.Context()))

		require.Equal(t, "10", ask(t, url, "SELECT count(*)::text FROM a"))
	})
	t.Run("it stops in good order and starts again", func(t *testing.T) {
		require.NoError(t, cluster.Stop())
		require.NoError(t, cluster.Restart(t.Context()))
		require.Equal(t, "10", ask(t, url, "SELECT count(*)::text FROM a"))
	})
}

func TestCluster_inAFolder(t *testing.T) {
	folder, err := os.MkdirTemp("", "pgtest") // not TempDir: the server's user may not enter it
	require.NoError(t, err)
	defer os.RemoveAll(folder)
	for range 2 { // the second time it is there
		cluster, err := pgtest.Start(t.Context(), pgtest.Options{Dir: folder})
		require.NoError(t, err)
		require.NoError(t, cluster.Close())
	}
}

func TestStart_withoutPostgres(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := pgtest.FindPrograms(t.TempDir() + "/*/bin")
	require.ErrorContains(t, err, ".ci/deps")
	require.ErrorContains(t, err, pgtest.Variable)
}

// startAndDie is this program started once more, to be killed.
func startAndDie(*testing.M) {
	cluster, err := pgtest.Start(context.Background(), pgtest.Options{})
	if err != nil {
		panic(err)
	}
	dir, url := cluster.Dir(), cluster.URL("postgres")
	runtime.GC() // what nobody refers to any more still runs
	runtime.GC()
	os.Stdout.WriteString(dir + "\n" + url + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin) // a mere select would be found to be a deadlock, and end it
}

func TestStart_killed(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), "PGTEST_DIE=1")
	_, err := cmd.StdinPipe() // open until it is killed
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(output)
	dir, err := lines.ReadString('\n')
	require.NoError(t, err)
	url, err := lines.ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "1", ask(t, strings.TrimSpace(url), "SELECT '1'"))

	require.NoError(t, cmd.Process.Signal(syscall.SIGKILL))
	require.Error(t, cmd.Wait())

	require.Eventually(t, func() bool {
		_, err := os.Stat(strings.TrimSpace(dir))
		return os.IsNotExist(err)
	}, 20*time.Second, 10*time.Millisecond, "the folder goes with the process")
	_, err = pgx.Connect(t.Context(), strings.TrimSpace(url))
	require.Error(t, err, "and so does the server")
}
