package stripe_test

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/orderprocessing/orderprocessing/server/outbound"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/gatewaytest"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/resilient"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway/stripe"
)

const (
	root   = "../../../.."
	secret = "whsec_test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var listening = regexp.MustCompile(`HTTP at address: (\S+)`)

// mock starts Stripe's own stripe-mock on a free port of loopback, and gives its URL.
func mock(tb testing.TB) string {
	tb.Helper()
	binary := filepath.Join(root, "bin", "stripe-mock")
	if _, err := os.Stat(binary); err != nil {
		binary = filepath.Join(tb.TempDir(), "stripe-mock")
		out, err := exec.CommandContext(tb.Context(), "go", "build", "-C", filepath.Join(root, ".ci", "tools"), "-o", binary, //nolint:gosec // a test's tool
			"github.com/stripe/stripe-mock").CombinedOutput()
		require.NoError(tb, err, "build stripe-mock: %s", out)
	}
	command := exec.CommandContext(tb.Context(), binary, "-http-addr", "127.0.0.1:0", "-https-addr", "127.0.0.1:0")
	out, err := command.StdoutPipe()
	require.NoError(tb, err)
	require.NoError(tb, command.Start())
	address := make(chan string, 1)
	var reader sync.WaitGroup
	reader.Go(func() {
		defer close(address)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if found := listening.FindStringSubmatch(lines.Text()); found != nil {
				address <- found[1]
			}
		}
	})
	tb.Cleanup(func() {
		_ = command.Process.Kill()
		reader.Wait()
		_ = command.Wait()
	})
	select {
	case at := <-address:
		require.NotEmpty(tb, at, "stripe-mock did not start")
		return "http://" + at
	case <-time.After(30 * time.Second):
		require.FailNow(tb, "stripe-mock did not say where it listens")
		return ""
	}
}

// intentEvent is a webhook of an authorization as Stripe writes it.
const intentEvent = `{"id":"evt_1","object":"event","api_version":"2026-06-24.dahlia","created":1767225600,
"type":"payment_intent.amount_capturable_updated","data":{"object":{"id":"pi_1","object":"payment_intent","amount":1000,
"amount_capturable":1000,"amount_received":0,"currency":"gbp","status":"requires_capture","latest_charge":"ch_1",
"metadata":{"orderprocessing_payment":"pay_1","orderprocessing_key":"ord_1/place/authorize"}}}}`

func sign(at time.Time, body []byte) http.Header {
	return http.Header{"Stripe-Signature": {gateway.Sign(secret, at, body)}}
}

// cannot is what stripe-mock does not show. The tests against canned answers show some of it.
var cannot = map[gatewaytest.Capability]string{
	gatewaytest.Memory:  "stripe-mock is stateless: it answers every request with a fixture and remembers nothing",
	gatewaytest.Faults:  "stripe-mock cannot be told to decline or to fail",
	gatewaytest.Webhook: "stripe-mock sends no webhooks",
}

func against(url string, wrap func(gateway.Gateway) gateway.Gateway) gatewaytest.Backend {
	return gatewaytest.Backend{Cannot: cannot, New: func(tb testing.TB) *gatewaytest.Bench {
		tb.Helper()
		g := stripe.New(stripe.Options{SecretKey: "sk_test_123", WebhookSecrets: []string{"old", secret}, URL: url})
		tb.Cleanup(g.Close)
		return &gatewaytest.Bench{
			Gateway: wrap(g), Now: time.Now, Sign: sign, Event: []byte(intentEvent),
			Method: func(string) string { return "pm_card_visa" },
		}
	}}
}

func TestGateway(t *testing.T) {
	url := mock(t)
	t.Run("stripe-mock accepts what we send", func(t *testing.T) {
		gatewaytest.Run(t, against(url, func(g gateway.Gateway) gateway.Gateway { return g }))
	})
	t.Run("and so it does behind the guard", func(t *testing.T) {
		gatewaytest.Run(t, against(url, func(g gateway.Gateway) gateway.Gateway {
			return resilient.New(g, outbound.New("gateway", outbound.Options{}))
		}))
	})
	t.Run("every inquiry is one that Stripe takes", func(t *testing.T) {
		g := stripe.New(stripe.Options{SecretKey: "sk_test_123", URL: url})
		defer g.Close()
		for _, o := range []gateway.Operation{
			gateway.OperationAuthorize, gateway.OperationCapture, gateway.OperationVoid, gateway.OperationRefund,
		} {
			_, err := g.Inquire(t.Context(), gateway.InquireRequest{
				Key: "ord_1/place/o'neill", Operation: o, Authorization: "pi_1", Payment: "pay_1", SentAt: time.Now().Add(-time.Hour),
			})
			require.NoError(t, err)
		}
		refunds, err := g.Ledger(t.Context(), gateway.LedgerRequest{Since: time.Unix(1, 0), Cursor: "refunds/"})
		require.NoError(t, err)
		require.NotEmpty(t, refunds.Movements)
	})
	t.Run("nobody listening means that nothing happened", func(t *testing.T) {
		g := stripe.New(stripe.Options{SecretKey: "sk_test_123", URL: "http://127.0.0.1:1"})
		defer g.Close()
		_, err := g.Void(context.Background(), gateway.VoidRequest{Key: "k", Authorization: "pi_1", Payment: "pay_1"})
		require.True(t, gateway.IsTemporary(err), "%v", err)
	})
}
