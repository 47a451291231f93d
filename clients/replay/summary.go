package replay

import (
	"maps"
	"time"
)

// Summary tells what a replay did. Done again under the same name it counts the same.
type Summary struct {
	// Run is the name of the replay.
	Run string `json:"run"`
	// Complete is false when the replay ended before its last document.
	Complete bool `json:"complete"`
	// Documents counts what was read and what could not be placed.
	Documents Documents `json:"documents"`
	// Orders counts those that were placed.
	Orders Orders `json:"orders"`
	// Ends counts the orders by where they were left, such as completed. May be empty.
	Ends map[string]int64 `json:"ends"`
	// Returns counts what came back.
	Returns Returns `json:"returns"`
	// Reasons counts why documents were rejected, calls failed, and orders are not confirmed. May be empty.
	Reasons map[string]int64 `json:"reasons"`
	// Failed counts orders and returns that the server let go no further, such as a parcel that may not
	// leave, and products that could not be stocked.
	Failed int64 `json:"failed"`
	// Retries counts the calls that were made again because the server was away or busy.
	Retries int64 `json:"retries"`
	// Seconds is how long it took from the first order, PerSecond the orders placed in each.
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"orders_per_second"`
	// Create is how long CreateOrder took as its caller sees it, Confirm the time from create_time to
	// confirm_time as the server has them.
	Create  Latency `json:"create_order_ms"`
	Confirm Latency `json:"confirmed_ms"`
}

// Documents are numbers of documents.
type Documents struct {
	Read     int64 `json:"read"`
	Rejected int64 `json:"rejected"`
}

// Orders are numbers of orders.
type Orders struct {
	Placed    int64 `json:"placed"`
	Confirmed int64 `json:"confirmed"`
	Held      int64 `json:"held_for_review"`
	Delivered int64 `json:"delivered"` // with all of its goods
}

// Returns are numbers of cancellations, of those for which no completed order was found, and of the
// returns that were made of the others: one for each order that goods came back from.
type Returns struct {
	Cancellations int64 `json:"cancellations"`
	Unmatched     int64 `json:"unmatched"`
	Closed        int64 `json:"closed"`
}

// Latency is in milliseconds, exact to three digits; 0 when nothing was measured.
type Latency struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// OK tells whether every order is confirmed or at an end of its own, and nothing failed.
func (s Summary) OK() bool {
	waiting := s.Orders.Placed
	for _, end := range []string{"confirmed", "completed", "canceled", "rejected", "expired"} {
		waiting -= s.Ends[end]
	}
	return s.Failed == 0 && waiting == 0
}

// Done counts the documents that are behind it.
func (s Summary) Done() int64 {
	done := s.Documents.Rejected + s.Returns.Cancellations
	for _, n := range s.Ends {
		done += n
	}
	return done
}

// clone is a summary that does not change any more.
func (s Summary) clone(took time.Duration) Summary {
	s.Ends, s.Reasons = maps.Clone(s.Ends), maps.Clone(s.Reasons)
	if s.Seconds = took.Seconds(); s.Seconds > 0 {
		s.PerSecond = float64(s.Orders.Placed) / s.Seconds
	}
	return s
}
