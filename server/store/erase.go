package store

import "context"

// Erasures takes out what is personal.
type Erasures interface {
	// EraseCustomer takes what is personal out of the orders of a customer that are there, with their events
	// and assessments, and out of payments, returns and remembered answers, and tells of how many this
	// call has. It fails with CUSTOMER_ORDERS_OPEN, and does nothing, while an order or a return of the
	// customer is on its way. It works in many transactions: when it fails otherwise some are done, and
	// calling it again does the rest.
	EraseCustomer(ctx context.Context, customerID string) (Erased, error)
}

// Erased tells how much was erased.
type Erased struct{ Orders, Payments, Returns int }
