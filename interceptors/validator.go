package interceptors

import (
	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// validator checks messages against the rules of their contracts. protovalidate tells CEL of every message that is
// registered when one is made, those of Temporal's API among them: 5 ms, and more than 4 MB of descriptors that stay alive
// and that no rule names. So this one is made while none seems registered, which only the program's initialization may do,
// since nothing runs beside it. Rules lose nothing: CEL learns of what they are about when they are compiled (ADR 39).
var validator, errValidator = func() (protovalidate.Validator, error) {
	all := protoregistry.GlobalFiles
	defer func() { protoregistry.GlobalFiles = all }()
	protoregistry.GlobalFiles = new(protoregistry.Files)
	return protovalidate.New()
}()
