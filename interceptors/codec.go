package interceptors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"unicode"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/orderprocessing/orderprocessing/server/fault"
	"github.com/orderprocessing/orderprocessing/server/telemetry"
)

// A codec here never fails to unmarshal. Connect answers such a failure itself, before any
// interceptor runs: no log, no metric, no reason. So what could not be decoded is recorded in the
// message instead, as an unknown field, and refuseUndecoded makes the fault of it. A caller who
// sends that field himself only gets his own request refused.

// undecodedField is the highest field number there is, which no message of ours uses.
const undecodedField = 1<<29 - 1

// maxDecodeText bounds, in bytes, what is told of a decode failure; it may quote the request.
const maxDecodeText = 300

var undecodedTag = protowire.AppendTag(nil, undecodedField, protowire.BytesType)

func recordUndecoded(message proto.Message, err error) {
	proto.Reset(message)
	mark := protowire.AppendString(bytes.Clone(undecodedTag), decodeText(err))
	message.ProtoReflect().SetUnknown(mark)
}

// refuseUndecoded is the interceptor that refuses what a codec could not decode.
func refuseUndecoded(_ connect.Spec, _ http.Header, message any) error {
	m, ok := message.(proto.Message)
	if !ok {
		return fmt.Errorf("request message is a %T", message)
	}
	unknown := m.ProtoReflect().GetUnknown()
	if !bytes.HasPrefix(unknown, undecodedTag) {
		return nil
	}
	text, n := protowire.ConsumeString(unknown[len(undecodedTag):])
	if n < 0 {
		text = "unreadable"
	}
	return malformed(cutText(text))
}

// wrongValue is how protojson tells of a number, a text or a name of an enum that its field cannot hold.
var wrongValue = regexp.MustCompile(`^\(line \d+:\d+\): invalid value for \w+ field (\w+): `)

// malformed is the fault of a request that cannot be decoded.
func malformed(text string) *fault.Fault {
	f := fault.New(fault.KindInvalid, fault.ReasonMalformedRequest, "the request cannot be decoded: %s", text)
	if _, rest, found := strings.Cut(text, "unknown field "); found {
		name, _, _ := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
		f.Violations = []fault.Violation{{Field: name, Message: "there is no such field"}}
	}
	if found := wrongValue.FindStringSubmatch(text); found != nil {
		f.Violations = []fault.Violation{{Field: found[1], Message: "the field cannot hold this value"}}
	}
	return f
}

// decodeText is what the caller is told. The protobuf packages vary the space after "proto:" on
// purpose; it is cut off so that texts are stable.
func decodeText(err error) string {
	text := strings.TrimPrefix(err.Error(), "proto:")
	return cutText(strings.TrimLeftFunc(text, unicode.IsSpace))
}

func cutText(text string) string {
	if len(text) > maxDecodeText {
		text = text[:maxDecodeText] + "…"
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// protoCodec is the binary codec. It keeps unknown fields: during a rolling deploy a newer client
// or service may send fields that this binary does not know yet, and it is refused nothing by that.
type protoCodec struct{ unencodable }

func (protoCodec) Name() string   { return "proto" }
func (protoCodec) IsBinary() bool { return true }

func (c protoCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (c protoCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	return c.append(proto.MarshalOptions{}.MarshalAppend, dst, message)
}

func (c protoCodec) MarshalStable(message any) ([]byte, error) {
	return c.append(proto.MarshalOptions{Deterministic: true}.MarshalAppend, nil, message)
}

func (protoCodec) Unmarshal(data []byte, message any) error {
	m, err := asProto(message)
	if err != nil {
		return err
	}
	if err := proto.Unmarshal(data, m); err != nil {
		recordUndecoded(m, err)
	}
	return nil
}

// jsonCodec is the JSON codec. It refuses unknown fields: JSON is written by people, and a field
// that is misspelt and ignored is an order that is wrong. Like Connect's own it omits fields that
// have their default value.
type jsonCodec struct {
	name string
	unencodable
}

func (c jsonCodec) Name() string { return c.name }
func (jsonCodec) IsBinary() bool { return false }

func (c jsonCodec) Marshal(message any) ([]byte, error) { return c.MarshalAppend(nil, message) }

func (c jsonCodec) MarshalAppend(dst []byte, message any) ([]byte, error) {
	return c.append(protojson.MarshalOptions{}.MarshalAppend, dst, message)
}

// MarshalStable takes out the spaces that protojson puts in at random.
func (c jsonCodec) MarshalStable(message any) ([]byte, error) {
	data, err := c.Marshal(message)
	if err != nil {
		return nil, err
	}
	compact := bytes.NewBuffer(data[:0])
	if err := json.Compact(compact, data); err != nil {
		return nil, err
	}
	return compact.Bytes(), nil
}

func (jsonCodec) Unmarshal(data []byte, message any) error {
	m, err := asProto(message)
	if err != nil {
		return err
	}
	if err := protojson.Unmarshal(data, m); err != nil {
		recordUndecoded(m, err)
	}
	return nil
}

var errUnencodable = errors.New("the answer cannot be encoded")

// unencodable takes the errors of encoding an answer, such as text that is not UTF-8. Connect would
// tell them to the caller, field names and all.
type unencodable struct{ logger *slog.Logger }

func (u unencodable) append(marshal func([]byte, proto.Message) ([]byte, error), dst []byte, message any) ([]byte, error) {
	m, err := asProto(message)
	if err == nil {
		if dst, err = marshal(dst, m); err == nil {
			return dst, nil
		}
	}
	u.logger.Error(errUnencodable.Error(), slog.Any(telemetry.LogError, err))
	return nil, errUnencodable
}

func asProto(message any) (proto.Message, error) {
	if m, ok := message.(protoreflect.ProtoMessage); ok {
		return m, nil
	}
	return nil, fmt.Errorf("%T is no protobuf message", message)
}
