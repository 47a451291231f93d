package simulator

import (
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// check refuses what no bank takes: clients are not trusted to have checked.
func (q *operationRequest) check() error {
	authorization := gateway.AuthorizationID(q.Authorization)
	switch q.Operation {
	case gateway.OperationAuthorize:
		if err := checkToken(q.Method); err != nil {
			return err
		}
		return gateway.AuthorizeRequest{
			Key: q.Key, Payment: q.Payment, Amount: q.Amount, Currency: q.Currency, Method: q.Method,
			ReturnURL: q.ReturnURL, Metadata: q.Metadata,
		}.Check()
	case gateway.OperationCapture:
		return gateway.CaptureRequest{
			Key: q.Key, Authorization: authorization, Payment: q.Payment, Amount: q.Amount, Currency: q.Currency, Final: q.Final,
		}.Check()
	case gateway.OperationVoid:
		return gateway.VoidRequest{Key: q.Key, Authorization: authorization, Payment: q.Payment}.Check()
	case gateway.OperationRefund:
		return gateway.RefundRequest{
			Key: q.Key, Authorization: authorization, Payment: q.Payment, Amount: q.Amount, Currency: q.Currency,
		}.Check()
	default:
		return fault.Invalid(fault.ReasonInvalidRequest, "operation", "there is no operation %q", string(q.Operation))
	}
}
