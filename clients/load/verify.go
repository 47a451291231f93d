package load

import (
	"context"
	"errors"
	"io"

	client "github.com/orderprocessing/orderprocessing/clients/go"
	operationsv1 "github.com/orderprocessing/orderprocessing/gen/operations/v1"
)

// verify has the server check everything stored, and gives how many promises are broken.
func verify(ctx context.Context, c *client.Client) (violations int64, err error) {
	stream, err := c.Operations.VerifyIntegrity(ctx, &operationsv1.VerifyIntegrityRequest{})
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stream.Close()) }()
	for stream.Receive() {
		if summary := stream.Msg().GetSummary(); summary != nil {
			return summary.GetViolations(), nil
		}
	}
	if err := stream.Err(); err != nil {
		return 0, err
	}
	return 0, io.ErrUnexpectedEOF
}
