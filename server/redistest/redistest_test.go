package redistest_test

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/redistest"
)

func TestMain(m *testing.M) { redistest.VerifyTestMain(m) }

func open(t *testing.T, url string) *redis.Client {
	t.Helper()
	o, err := redis.ParseURL(url)
	require.NoError(t, err)
	o.MaxRetries = -1
	client := redis.NewClient(o)
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestServer(t *testing.T) {
	server := redistest.Start(t)
	client := open(t, server.URL())
	require.NoError(t, client.Set(t.Context(), "a", "b", 0).Err())
	t.Run("it does not answer after a kill", func(t *testing.T) {
		server.Kill(t)
		require.Error(t, client.Ping(t.Context()).Err())
	})
	t.Run("it comes back empty, where it was", func(t *testing.T) {
		server.Restart(t)
		require.ErrorIs(t, client.Get(t.Context(), "a").Err(), redis.Nil)
	})
}

func TestCluster(t *testing.T) {
	urls := redistest.StartCluster(t)
	require.Len(t, urls, 3)
	var addresses []string
	for _, url := range urls {
		addresses = append(addresses, strings.TrimPrefix(url, "redis://"))
	}
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addresses})
	defer client.Close()
	for _, key := range strings.Split("abcdefghij", "") { // all over the servers
		require.NoError(t, client.Set(t.Context(), key, key, 0).Err())
	}
}

// TestHelperProcess is not a test: TestStart_killed runs it to be killed.
func TestHelperProcess(t *testing.T) {
	if os.Getenv("REDISTEST_DIE") == "" {
		return
	}
	server := redistest.Start(t)
	_, _ = os.Stdout.WriteString("at " + server.URL() + "\n")
	_, _ = io.Copy(io.Discard, os.Stdin)
}

func TestStart_killed(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelperProcess$")
	cmd.Env = append(os.Environ(), "REDISTEST_DIE=1")
	_, err := cmd.StdinPipe() // open until it is killed
	require.NoError(t, err)
	output, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	client := open(t, strings.TrimPrefix(strings.TrimSpace(line), "at "))
	require.NoError(t, client.Ping(t.Context()).Err())

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.Eventually(t, func() bool { return client.Ping(t.Context()).Err() != nil },
		20*time.Second, 10*time.Millisecond, "the server goes with the process")
}
