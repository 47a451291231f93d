package replay

import (
	"cmp"
	"strings"
	"sync"
	"time"

	"connectrpc.com/connect"
	"github.com/HdrHistogram/hdrhistogram-go"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	ordersv1 "github.com/orderprocessing/orderprocessing/gen/orders/v1"
)

// reportEvery is how often somebody is told how far a replay is.
const reportEvery = 200 * time.Millisecond

// tally counts. It is safe for concurrent use.
type tally struct {
	mu              sync.Mutex
	counts          Summary
	began           time.Time
	create, confirm *hdrhistogram.Histogram // microseconds
}

func newTally(run string) *tally {
	histogram := func() *hdrhistogram.Histogram { return hdrhistogram.New(1, time.Hour.Microseconds(), 3) }
	return &tally{
		counts: Summary{Run: run, Ends: map[string]int64{}, Reasons: map[string]int64{}},
		create: histogram(), confirm: histogram(),
	}
}

// report tells now and then how far it is, until it is stopped.
func (t *tally) report(tell func(Summary)) (stop func()) {
	if tell == nil {
		return func() {}
	}
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticks := time.NewTicker(reportEvery)
		defer ticks.Stop()
		for {
			select {
			case <-ticks.C:
				tell(t.summary(false))
			case <-end:
				return
			}
		}
	}()
	return func() {
		close(end)
		<-ended
	}
}

func (t *tally) summary(complete bool) Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	var took time.Duration
	if !t.began.IsZero() {
		took = time.Since(t.began)
	}
	s := t.counts.clone(took)
	s.Complete, s.Create, s.Confirm = complete, latency(t.create), latency(t.confirm)
	return s
}

func latency(h *hdrhistogram.Histogram) Latency {
	millis := func(micros int64) float64 { return float64(micros) / 1000 }
	return Latency{P50: millis(h.ValueAtQuantile(50)), P99: millis(h.ValueAtQuantile(99)), Max: millis(h.Max())}
}

func (t *tally) begin() { t.count(func(*Summary) { t.began = time.Now() }) }

func (t *tally) count(change func(*Summary)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change(&t.counts)
}

func (t *tally) read() { t.count(func(s *Summary) { s.Documents.Read++ }) }

func (t *tally) rejected(reason string) {
	t.count(func(s *Summary) {
		s.Documents.Rejected++
		s.Reasons[reason]++
	})
}

func (t *tally) placed() { t.count(func(s *Summary) { s.Orders.Placed++ }) }

func (t *tally) held() { t.count(func(s *Summary) { s.Orders.Held++ }) }

func (t *tally) retried() { t.count(func(s *Summary) { s.Retries++ }) }

func (t *tally) created(took time.Duration) {
	t.count(func(*Summary) { record(t.create, took) })
}

// confirmed counts an order that was decided upon.
func (t *tally) confirmed(o *ordersv1.Order) {
	t.count(func(s *Summary) {
		if o.GetConfirmTime() != nil {
			s.Orders.Confirmed++
			record(t.confirm, o.GetConfirmTime().AsTime().Sub(o.GetCreateTime().AsTime()))
		} else if o.GetStatusReason() != "" {
			s.Reasons[o.GetStatusReason()]++
		}
	})
}

// ended counts an order that goes no further, because of an error if there is one.
func (t *tally) ended(o *ordersv1.Order, err error) {
	t.count(func(s *Summary) {
		s.Ends[strings.ToLower(strings.TrimPrefix(o.GetLifecycle().String(), "LIFECYCLE_"))]++
		switch o.GetFulfillmentStatus() {
		case ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_DELIVERED, ordersv1.FulfillmentStatus_FULFILLMENT_STATUS_RETURNED:
			s.Orders.Delivered++
		default:
		}
	})
	if err != nil {
		t.failed(err)
	}
}

func (t *tally) returned() { t.count(func(s *Summary) { s.Returns.Closed++ }) }

func (t *tally) cancellation(matched bool) {
	t.count(func(s *Summary) {
		s.Returns.Cancellations++
		if !matched {
			s.Returns.Unmatched++
		}
	})
}

func (t *tally) failed(err error) {
	t.count(func(s *Summary) {
		s.Failed++
		s.Reasons[reasonOf(err)]++
	})
}

// record keeps a time; what is out of reach counts as the longest.
func record(h *hdrhistogram.Histogram, took time.Duration) {
	_ = h.RecordValue(min(max(took.Microseconds(), 1), h.HighestTrackableValue())) // it is in reach now
}

// reasonOf is the reason that the server gives, or at least the code.
func reasonOf(err error) string {
	return cmp.Or(client.Reason(err), connect.CodeOf(err).String())
}
