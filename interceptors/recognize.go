package interceptors

import (
	"strings"

	"connectrpc.com/connect"

	"github.com/orderprocessing/orderprocessing/server/fault"
)

// What connect finds wrong before a handler runs comes as a code and a text. These are the ones that
// a caller can cause, by what their text contains; connect gives nothing better to tell them by. A
// test provokes each over the network, so that a new version of connect cannot change them unseen.
var madeByConnect = []struct {
	code     connect.Code // 0 means any
	contains string
	answer   answer
}{
	{0, errTooSlow.Error(), answer{connect.CodeDeadlineExceeded, fault.ReasonRequestTooSlow, errTooSlow.Error(), nil, 0, ""}},
	{0, errTooLarge.Error(), answer{connect.CodeResourceExhausted, fault.ReasonRequestTooLarge, errTooLarge.Error(), nil, 0, ""}},
	{connect.CodeResourceExhausted, "larger than", answer{connect.CodeResourceExhausted, fault.ReasonRequestTooLarge, errTooLarge.Error(), nil, 0, ""}},
	{connect.CodeInvalidArgument, "decompress", answer{connect.CodeInvalidArgument, fault.ReasonMalformedRequest, "the request cannot be decompressed", nil, 0, ""}},
	{connect.CodeUnimplemented, "unknown compression", answer{connect.CodeUnimplemented, fault.ReasonUnsupportedEncoding, "", nil, 0, ""}},
	{connect.CodeUnimplemented, " messages", answer{connect.CodeInvalidArgument, fault.ReasonMalformedRequest, "", nil, 0, ""}},
	{connect.CodeUnimplemented, "", answer{connect.CodeUnimplemented, fault.ReasonNotImplemented, "", nil, 0, ""}},
	{connect.CodeInternal, "protocol error", answer{connect.CodeInvalidArgument, fault.ReasonMalformedRequest, "the request ends in the middle of a message, or is not framed as it should be", nil, 0, ""}},
	{connect.CodeUnknown, "read ", answer{connect.CodeCanceled, fault.ReasonCanceled, "the request ended before it was complete", nil, 0, ""}},
	{connect.CodeInvalidArgument, "", answer{connect.CodeInvalidArgument, fault.ReasonMalformedRequest, "", nil, 0, ""}},
	{connect.CodeCanceled, "", ofContext(nil)},
	{connect.CodeDeadlineExceeded, "", answer{connect.CodeDeadlineExceeded, fault.ReasonDeadlineExceeded, "the call took longer than its deadline", nil, 0, ""}},
	{connect.CodeUnavailable, "", answer{code: connect.CodeUnavailable}},
}

// recognize gives the answer to an error that connect made. An answer without a text of its own keeps
// connect's. False means that it is no fault of the caller.
func recognize(code connect.Code, text string) (answer, bool) {
	for _, made := range madeByConnect {
		if (made.code == 0 || made.code == code) && strings.Contains(text, made.contains) {
			a := made.answer
			if a.message == "" {
				a.message = text
			}
			return a, true
		}
	}
	switch code {
	case connect.CodeInternal, connect.CodeUnknown, connect.CodeDataLoss:
		return answer{}, false
	default:
		return answer{code: code, message: text}, true
	}
}
