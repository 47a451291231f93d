package stripe

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/stripe/stripe-go/v86"

	"github.com/orderprocessing/orderprocessing/server/payments/gateway"
)

// Authorize creates a PaymentIntent and confirms it in one request.
func (g *Gateway) Authorize(ctx context.Context, r gateway.AuthorizeRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	amount, err := toStripe(r.Amount, r.Currency)
	if err != nil {
		return gateway.Result{}, err
	}
	params := &stripe.PaymentIntentCreateParams{
		Amount: stripe.Int64(amount), Currency: stripe.String(strings.ToLower(string(r.Currency))),
		CaptureMethod: stripe.String(string(stripe.PaymentIntentCaptureMethodManual)), Confirm: stripe.Bool(true),
		PaymentMethod: stripe.String(r.Method), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
		Metadata: map[string]string{},
	}
	maps.Copy(params.Metadata, r.Metadata)
	params.Metadata[metadataPayment], params.Metadata[metadataKey] = r.Payment, string(r.Key)
	if r.ReturnURL != "" {
		params.ReturnURL = stripe.String(r.ReturnURL)
	}
	if !g.options.SingleCapture {
		params.PaymentMethodOptions = &stripe.PaymentIntentCreatePaymentMethodOptionsParams{
			Card: &stripe.PaymentIntentCreatePaymentMethodOptionsCardParams{RequestMulticapture: stripe.String("if_available")},
		}
	}
	params.AddExpand("latest_charge")
	params.SetIdempotencyKey(string(r.Key))
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.Result{}, err
	}
	defer cancel()
	intent, err := g.api.V1PaymentIntents.Create(ctx, params)
	if err != nil {
		return failed(gateway.OperationAuthorize, err)
	}
	return authorized(intent), nil
}

// Capture captures a PaymentIntent. Its key goes into the PaymentIntent's metadata.
func (g *Gateway) Capture(ctx context.Context, r gateway.CaptureRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	amount, err := toStripe(r.Amount, r.Currency)
	if err != nil {
		return gateway.Result{}, err
	}
	params := &stripe.PaymentIntentCaptureParams{
		AmountToCapture: stripe.Int64(amount),
		Metadata:        map[string]string{captureName(r.Key): strconv.FormatInt(int64(r.Amount), 10)},
	}
	if !g.options.SingleCapture {
		params.FinalCapture = stripe.Bool(r.Final)
	}
	params.SetIdempotencyKey(string(r.Key))
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.Result{}, err
	}
	defer cancel()
	intent, err := g.api.V1PaymentIntents.Capture(ctx, string(r.Authorization), params)
	if err != nil {
		return failed(gateway.OperationCapture, err)
	}
	return captured(intent, r.Amount), nil
}

// Void cancels a PaymentIntent. Stripe refuses to cancel twice; that is Done all the same.
func (g *Gateway) Void(ctx context.Context, r gateway.VoidRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	params := &stripe.PaymentIntentCancelParams{}
	params.SetIdempotencyKey(string(r.Key))
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.Result{}, err
	}
	defer cancel()
	intent, err := g.api.V1PaymentIntents.Cancel(ctx, string(r.Authorization), params)
	if err != nil {
		return failed(gateway.OperationVoid, err)
	}
	return voided(intent), nil
}

// Refund refunds part of a PaymentIntent.
func (g *Gateway) Refund(ctx context.Context, r gateway.RefundRequest) (gateway.Result, error) {
	if err := r.Check(); err != nil {
		return gateway.Result{}, err
	}
	amount, err := toStripe(r.Amount, r.Currency)
	if err != nil {
		return gateway.Result{}, err
	}
	params := &stripe.RefundCreateParams{
		Amount: stripe.Int64(amount), PaymentIntent: stripe.String(string(r.Authorization)),
		Metadata: map[string]string{metadataPayment: r.Payment, metadataKey: string(r.Key)},
	}
	params.SetIdempotencyKey(string(r.Key))
	ctx, cancel, err := g.begin(ctx)
	if err != nil {
		return gateway.Result{}, err
	}
	defer cancel()
	refund, err := g.api.V1Refunds.Create(ctx, params)
	if err != nil {
		return failed(gateway.OperationRefund, err)
	}
	return refunded(refund, r.Authorization), nil
}
