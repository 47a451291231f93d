package payments

import (
	"context"
	"time"

	"github.com/orderprocessing/orderprocessing/server/domain/payment"
	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
	"github.com/orderprocessing/orderprocessing/server/store"
)

// call asks a gateway for what a record says.
type call func(context.Context, gateway.Gateway, payment.Record) (gateway.Result, error)

// wish is something to be carried out, once.
type wish struct {
	paymentID   payment.ID
	operationID payment.OperationID
	fingerprint [32]byte
	decide      func(payment.Record, time.Time) (*payment.Decision, error)
	call        call
	byHand      bool
	remembered  bool // what the gateway answers is no news to the order when a webhook repeats it
}

// carryOut records a wish, calls the gateway and records the outcome.
func (s *Service) carryOut(ctx context.Context, w wish) (payment.Record, error) {
	return s.fly(ctx, w.operationID.UUID, w.fingerprint, func(ctx context.Context) (payment.Record, error) {
		// From before it is recorded: who settles the payment in between would hear that it never happened.
		s.sending.Store(w.operationID.UUID, nil)
		defer s.sending.Delete(w.operationID.UUID)
		r, send, err := s.intend(ctx, w)
		if reason := fault.ReasonOf(err); reason == fault.ReasonPaymentUnknown || reason == fault.ReasonPaymentBusy {
			// Perhaps the gateway can tell by now.
			if _, err := s.Settle(ctx, w.paymentID); err != nil {
				return r, err
			}
			r, send, err = s.intend(ctx, w)
		}
		if err == nil && !send && r.Operation.State.Open() {
			r, send, err = s.resume(ctx, r, w)
		}
		if err != nil {
			return r, err
		}
		if send {
			return s.send(ctx, r, w)
		}
		return r, verdict(r)
	})
}

// intend records what is wanted. send tells whether the gateway is to be called now.
func (s *Service) intend(ctx context.Context, w wish) (payment.Record, bool, error) {
	var send bool // not a result: who gives up writes those while decide may still run
	r, err := s.Store.ChangePayment(ctx, store.PaymentChange{
		PaymentID: w.paymentID, Operation: w.operationID,
		Decide: func(r payment.Record) (*payment.Decision, error) {
			d, err := w.decide(r, s.clock())
			send = err == nil && d != nil && d.Operation.State.Open()
			return d, err
		},
	})
	if err != nil {
		return r, false, err
	}
	return r, send, nil
}

// resume goes on with an operation that may or may not be at the gateway. The gateway is asked; when
// it cannot tell yet, the operation is sent again with its key, as long as the gateway knows keys.
func (s *Service) resume(ctx context.Context, r payment.Record, w wish) (_ payment.Record, send bool, err error) {
	r, fate, err := s.inquire(ctx, r, w.byHand)
	switch {
	case err != nil, r.Operation.State.Final():
		return r, false, err
	case fate == gateway.FateHappened: // and has no end yet
		return r, false, nil
	case fate == gateway.FateInProgress && s.clock().Sub(r.Operation.Created) > keyLife:
		return r, false, payment.Undecided()
	case r.Operation.State == payment.Requested:
		return s.intend(ctx, w)
	}
	r, err = s.Store.ChangePayment(ctx, store.PaymentChange{
		PaymentID: w.paymentID, Operation: w.operationID,
		Decide: func(r payment.Record) (*payment.Decision, error) {
			d := payment.Resend(r, s.clock())
			send = d != nil
			return d, nil
		},
	})
	if err != nil {
		return r, false, err
	}
	return r, send, nil
}

// send calls the gateway and records what it answers.
func (s *Service) send(ctx context.Context, r payment.Record, w wish) (payment.Record, error) {
	g, err := s.gatewayOf(r.Payment.Gateway)
	if err != nil {
		return s.record(ctx, r, payment.Outcome{Answer: payment.AnswerAway}, w.byHand, err)
	}
	// Counted from when it was decided, as a gateway does that is asked whether it may still arrive.
	bounded, cancel := context.WithTimeout(ctx, s.CallTimeout-s.clock().Sub(r.Operation.SentAt))
	result, err := w.call(bounded, g, r)
	cancel()
	out := outcomeOf(result, err, r.Operation)
	stored := func(error) {}
	if w.remembered {
		stored = s.answers.came(r.Operation.Key, out.Answer)
	}
	after, err := s.record(ctx, r, out, w.byHand, err)
	stored(err)
	return after, err
}

// record applies an outcome. cause is what the gateway failed with, if it did.
func (s *Service) record(ctx context.Context, r payment.Record, out payment.Outcome, untold bool, cause error) (payment.Record, error) {
	r, err := s.apply(ctx, r, out, noEvent, untold)
	switch {
	case err != nil:
		return r, err
	case out.Answer == payment.AnswerAway && r.Operation.State == payment.Requested:
		return r, cause
	}
	return r, verdict(r)
}

// apply stores what an outcome makes of an operation. A payment that was given up and turns out to
// hold money is voided. untold says that a saga has to tell the order of it.
func (s *Service) apply(
	ctx context.Context, r payment.Record, out payment.Outcome, event store.PaymentEvent, untold bool,
) (payment.Record, error) {
	revived := false
	after, err := s.Store.ChangePayment(ctx, store.PaymentChange{
		PaymentID: r.Payment.ID, Operation: r.Operation.ID, Event: event, Untold: untold,
		Decide: func(r payment.Record) (*payment.Decision, error) {
			d := payment.Apply(r, out, s.clock())
			revived = d != nil && r.Payment.Void == payment.Forsaken && d.Payment.Void == payment.NotVoided
			return d, nil
		},
	})
	if err != nil {
		return r, err
	}
	if revived {
		return s.Void(ctx, Change{PaymentID: r.Payment.ID, Key: "given-up/" + r.Payment.ID.String(), ByHand: untold})
	}
	return after, nil
}

// verdict gives the error that an operation's state stands for.
func verdict(r payment.Record) error {
	o := r.Operation
	switch {
	case o.State == payment.NotKnown:
		return payment.Undecided()
	case o.State == payment.OpFailed && (o.Kind != payment.KindAuthorize || !declines[gateway.Decline(o.Reason)]):
		return fault.New(fault.KindPrecondition, fault.Reason(o.Reason), "the payment gateway refused to %s", o.Kind)
	}
	return nil
}
