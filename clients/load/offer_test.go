package load

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/proto"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

func fixed() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestArrivals(t *testing.T) {
	const rate, seconds = 200, 50
	var last time.Duration
	var early, late int // gaps shorter and longer than the mean
	counts := make([]int, 2)
	for at, stage := range arrivals(fixed(), []Stage{{rate, seconds * time.Second}, {2 * rate, seconds * time.Second}}) {
		require.GreaterOrEqual(t, at, last)
		require.Equal(t, int(at/(seconds*time.Second)), stage)
		if stage == 0 {
			if at-last < time.Second/rate {
				early++
			} else {
				late++
			}
		}
		counts[stage]++
		last = at
	}
	require.InDelta(t, rate*seconds, counts[0], 400) // four times the standard deviation
	require.InDelta(t, 2*rate*seconds, counts[1], 566)
	require.InDelta(t, .632, float64(early)/float64(early+late), .02, "gaps of a Poisson process are below their mean with 1 − 1/e")
}

func TestCrowd(t *testing.T) {
	const drawn, orders = 9000, 300
	opts := options("crowd")
	r := &run{Options: opts, ledger: newLedger(opts.Run)}
	c := newCrowd(r, fixed())
	for range 100 {
		require.Equal(t, createOrder, without(c.next(), listOrders), "there is nothing to read or to cancel yet")
	}
	for n := range orders {
		r.ledger.acknowledged(n, "ord_1", 1)
	}
	calls := map[procedure]int{}
	for range drawn {
		calls[c.next().procedure]++
	}
	require.Equal(t, orders, calls[cancelOrder], "each order is canceled once")
	require.InDelta(t, drawn*2/9, calls[listOrders], 160) // four times the standard deviation
	require.InDelta(t, drawn*3/9, calls[getOrder], 180)
	require.InDelta(t, drawn*4/9-orders, calls[createOrder], 190)
}

func TestCrowd_skew(t *testing.T) {
	const drawn = 10000
	opts := options("skew")
	opts.Skew, opts.Customers, opts.Products = 1.1, 1000, 1000
	c := newCrowd(&run{Options: opts, ledger: newLedger(opts.Run)}, fixed())
	first, product := 0, 0
	for range drawn {
		if c.customer() == "cus_load_0" {
			first++
		}
		if c.products.Uint64() == 0 {
			product++
		}
	}
	require.Greater(t, first, 50*drawn/opts.Customers, "the first customer buys far more often than one in a thousand would")
	require.Greater(t, product, 50*drawn/opts.Products)
}

// without gives the procedure of a call; another one counts as a create.
func without(c call, other procedure) procedure {
	if c.procedure == other {
		return createOrder
	}
	return c.procedure
}

// still answers no call before it is awake.
type still struct{ awake time.Time }

func (s still) Do(*http.Request) (*http.Response, error) {
	time.Sleep(time.Until(s.awake)) // in a bubble
	body, err := proto.Marshal(&ordersv1.CreateOrderResponse{Order: &ordersv1.Order{Id: "ord_1"}})
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/proto"}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}, err
}

// offerTo offers 100 calls a second for two seconds, in the first of which the server stands still.
func offerTo(t *testing.T, inFlight int) Line {
	t.Helper()
	opts := options("still")
	opts.InFlight, opts.Mix, opts.Stages = inFlight, Mix{Create: 1}, []Stage{{100, 2 * time.Second}}
	r := &run{Options: opts, tally: newTally(opts), ledger: newLedger(opts.Run)}
	c, err := client.New("http://still", client.WithHTTPClient(still{time.Now().Add(time.Second)}), client.WithoutRetries())
	require.NoError(t, err)
	r.offer(t.Context(), newCrowd(r, fixed()), []*client.Client{c})
	r.tally.end(time.Now())
	summary := r.tally.summary()
	require.Len(t, summary.Calls, 1)
	require.Equal(t, summary.Calls[0].Outcomes, summary.Stages[0].Outcomes)
	return summary.Calls[0].Line
}

func TestOffer(t *testing.T) {
	t.Run("every call that was due while the server stood still counts with its wait", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := offerTo(t, 1000)
			require.InDelta(t, 200, got.OK, 57)
			require.Zero(t, got.Unsent)
			require.InDelta(t, 1000, got.Latency.Max, 50)
			require.InDelta(t, 800, got.Latency.P90, 150, "they came evenly over the second")
		})
	})
	t.Run("what is due while too many are under way is counted and not made", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			got := offerTo(t, 10)
			require.InDelta(t, 90, got.Unsent, 40)
			require.InDelta(t, 200, got.OK+got.Unsent, 57)
		})
	})
}
