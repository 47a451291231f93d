// Package risk holds the rules that find what is odd about an order. It decides; it stores nothing
// and calls nobody.
package risk

import (
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/order"
)

// Assessment is what is odd about an order, and what that leads to. It is made once.
type Assessment struct {
	OrderID order.ID
	Score   int // the sum of the points of the reasons
	Outcome Outcome
	Reasons []Reason  // most points first
	Shadow  bool      // the outcome is only noted: the rules are being tried out
	Created time.Time // UTC, microseconds
}

// Reason is one thing that is odd about an order.
type Reason struct {
	Rule        string // stable, such as VELOCITY
	Points      int
	Explanation string // for staff
}

// Outcome is what an assessment leads to. The numbers are stored.
type Outcome uint8

// The outcomes.
const (
	Pass Outcome = 1 // the order goes on
	Hold Outcome = 2 // the order waits for staff
	Deny Outcome = 3 // the order is rejected
)
