package simulator_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/simulator"
)

// childEnv names the ledger that this test program serves when it is started as a bank.
const childEnv = "SIMULATOR_TEST_DATABASE"

// runChild serves a simulator until it is killed, if this process was started for that.
func runChild() bool {
	database := os.Getenv(childEnv)
	if database == "" {
		return false
	}
	s, err := simulator.New(context.Background(), simulator.Options{Database: database})
	if err != nil {
		panic(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("http://" + listener.Addr().String())
	panic(http.Serve(listener, s.Handler())) //nolint:gosec // a test's child
}

// serve starts a bank of its own process.
func serve(t *testing.T, database string) (url string, kill func()) {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this program
	command.Env = append(os.Environ(), childEnv+"="+database)
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line), func() {
		require.NoError(t, command.Process.Kill())
		_ = command.Wait()
	}
}

func TestSimulator_Killed(t *testing.T) {
	const rounds, payers, perPayer = 3, 16, 30
	database := "sqlite:" + filepath.Join(t.TempDir(), "gateway.db")
	acknowledged := map[gateway.Key]gateway.Result{}
	var mu sync.Mutex
	for round := range rounds {
		url, kill := serve(t, database)
		g := simulator.NewGateway(url, simulator.ClientOptions{Timeout: 5 * time.Second})
		enough := make(chan struct{}, payers*perPayer)
		var all sync.WaitGroup
		for n := range payers {
			all.Go(func() {
				for i := range perPayer {
					key := gateway.Key(fmt.Sprintf("ord_%d_%d_%d/place/authorize", round, n, i))
					got, err := g.Authorize(t.Context(), gateway.AuthorizeRequest{
						Key: key, Payment: fmt.Sprintf("pay_%d_%d_%d", round, n, i), Amount: 1000, Currency: "GBP", Method: "tok_ok",
					})
					if err != nil {
						return // killed
					}
					mu.Lock()
					acknowledged[key] = got
					mu.Unlock()
					enough <- struct{}{}
				}
			})
		}
		for range payers * perPayer / 2 {
			<-enough
		}
		kill()
		all.Wait()
		g.Close()
	}
	t.Run("every authorization that was acknowledged is there, once", func(t *testing.T) {
		url, kill := serve(t, database)
		defer kill()
		g := simulator.NewGateway(url, simulator.ClientOptions{})
		defer g.Close()
		require.GreaterOrEqual(t, len(acknowledged), rounds*payers*perPayer/2)
		seen := map[gateway.Key]string{}
		for m, err := range gateway.Movements(t.Context(), g, time.Time{}) {
			require.NoError(t, err)
			require.NotContains(t, seen, m.Key)
			seen[m.Key] = m.ID
		}
		for key, result := range acknowledged {
			require.Equal(t, result.Movement, seen[key])
		}
		for key, result := range acknowledged {
			inquiry, err := g.Inquire(t.Context(), gateway.InquireRequest{Key: key, Operation: gateway.OperationAuthorize})
			require.NoError(t, err)
			require.Equal(t, gateway.Inquiry{Fate: gateway.FateHappened, Result: result}, inquiry)
			break
		}
	})
}
