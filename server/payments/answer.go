package payments

import (
	"context"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// declines are the reasons for which a bank says no.
var declines = map[gateway.Decline]bool{
	gateway.DeclineByBank: true, gateway.DeclineInsufficientFunds: true, gateway.DeclineExpiredMethod: true,
	gateway.DeclineInvalidMethod: true, gateway.DeclineSuspectedFraud: true, gateway.DeclineAuthenticationFailed: true,
	gateway.DeclineLimitExceeded: true, gateway.DeclineTryAnotherMethod: true,
}

// outcomeOf says in the domain's words what a gateway answered to a call.
func outcomeOf(result gateway.Result, err error, o payment.Operation) payment.Outcome {
	switch {
	case err == nil:
		return answered(result)
	case gateway.IsTemporary(err):
		return payment.Outcome{Answer: payment.AnswerAway}
	case gateway.IsRefused(err) && (o.Sends <= 1 || !aboutUs(err)):
		reason := fault.ReasonOf(err)
		return payment.Outcome{
			Answer: payment.AnswerRefused, Reason: string(reason), Lapsed: reason == fault.ReasonAuthorizationExpired,
		}
	}
	return payment.Outcome{Answer: payment.AnswerNone}
}

// aboutUs tells whether the gateway refused us and not the request: that says nothing about what an
// earlier sending did.
func aboutUs(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.KindUnauthenticated || kind == fault.KindDenied || kind == fault.KindExists
}

// answered says in the domain's words what a bank decided.
func answered(result gateway.Result) payment.Outcome {
	out := payment.Outcome{
		Authorization: string(result.Authorization), Reference: result.Movement, Amount: result.Amount,
		Reason: string(result.Decline), RedirectURL: result.RedirectURL, Expires: result.ExpiresAt,
	}
	switch result.Outcome {
	case gateway.OutcomeDone:
		out.Answer = payment.AnswerDone
	case gateway.OutcomeDeclined:
		out.Answer = payment.AnswerDeclined
		if out.Reason == "" {
			out.Reason = string(gateway.DeclineByBank)
		}
	case gateway.OutcomeActionRequired:
		out.Answer = payment.AnswerAction
	case gateway.OutcomePending:
		out.Answer = payment.AnswerPending
	default:
		out.Answer = payment.AnswerNone
	}
	return out
}

// operations are the gateway's words for our kinds.
var operations = map[payment.Kind]gateway.Operation{
	payment.KindAuthorize: gateway.OperationAuthorize, payment.KindCapture: gateway.OperationCapture,
	payment.KindVoid: gateway.OperationVoid, payment.KindRefund: gateway.OperationRefund,
}

// inquire asks the gateway what became of an operation and records what it tells. untold says
// that a saga has to tell the order of it.
func (s *Service) inquire(ctx context.Context, r payment.Record, untold bool) (payment.Record, gateway.Fate, error) {
	g, err := s.gatewayOf(r.Payment.Gateway)
	if err != nil {
		return r, "", err
	}
	o := r.Operation
	request := gateway.InquireRequest{
		Key: gateway.Key(o.Key), Operation: operations[o.Kind], Payment: r.Payment.ID.String(), SentAt: o.SentAt,
	}
	if o.Kind != payment.KindAuthorize {
		request.Authorization = gateway.AuthorizationID(r.Payment.Authorization)
	}
	bounded, cancel := context.WithTimeout(ctx, s.CallTimeout)
	inquiry, err := g.Inquire(bounded, request)
	cancel()
	switch {
	case err != nil: // a fault of an inquiry says nothing about the operation
		return r, "", fault.New(fault.KindUnavailable, fault.ReasonPaymentUnknown,
			"the payment gateway cannot be asked what became of the payment; retry with the same request id").Because(err)
	case inquiry.Fate == gateway.FateHappened:
		r, err = s.apply(ctx, r, answered(inquiry.Result), noEvent, untold)
	case inquiry.Fate == gateway.FateNeverHappened:
		r, err = s.apply(ctx, r, payment.Outcome{Answer: payment.AnswerNever, Sends: o.Sends}, noEvent, untold)
	}
	return r, inquiry.Fate, err
}
