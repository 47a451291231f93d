package order

import "github.com/orderprocessing/orderprocessing/server/fault"

// NotFound gives the fault of an order that is not there, or not there for the caller.
func NotFound() *fault.Fault {
	return fault.New(fault.KindNotFound, fault.ReasonOrderNotFound, "there is no such order")
}

// ReturnNotFound is as NotFound, of a return.
func ReturnNotFound() *fault.Fault {
	return fault.New(fault.KindNotFound, fault.ReasonReturnNotFound, "there is no such return")
}
