package auth

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// ErrNotTheirs is the cause of a fault that says "not found" of what exists and is another's. It is
// for audits; the answer must not differ from that for what does not exist.
var ErrNotTheirs = errors.New("it belongs to another customer")

// AccessesAll tells whether the caller acts for every customer: staff, operators and services do.
func (c Caller) AccessesAll() bool { return c.Is(Staff) || c.Is(Operator) || c.Is(Service) }

// MayAccess tells whether the caller may see and change what belongs to a customer. What belongs to
// nobody, such as a guest's order, is for those who access all.
func (c Caller) MayAccess(customerID string) bool {
	return c.AccessesAll() || c.Is(Customer) && customerID != "" && customerID == c.CustomerID
}

// Narrow gives the customer whose things a request may be about, when it names one or none: the
// caller's own, unless the caller accesses all. It fails when the request names another.
func (c Caller) Narrow(customerID string) (string, error) {
	if c.AccessesAll() {
		return customerID, nil
	}
	if !c.MayAccess(c.CustomerID) || customerID != "" && customerID != c.CustomerID {
		return "", fault.New(fault.KindDenied, fault.ReasonCustomerNotYours, "this is for your own customer_id only")
	}
	return c.CustomerID, nil
}

// InScope tells whether the caller's scopes hold a procedure such as /orders.v1.OrderService/GetOrder.
func (c Caller) InScope(procedure string) bool {
	if c.Scopes == nil {
		return true
	}
	method := strings.TrimPrefix(procedure, "/")
	service, _, _ := strings.Cut(method, "/")
	return slices.Contains(c.Scopes, method) || slices.Contains(c.Scopes, service)
}

// CheckAccess gives notFound, the answer for what does not exist, unless the caller may access what
// belongs to the customer.
func CheckAccess(ctx context.Context, customerID string, notFound *fault.Fault) error {
	if CallerFrom(ctx).MayAccess(customerID) {
		return nil
	}
	return notFound.Because(ErrNotTheirs)
}
