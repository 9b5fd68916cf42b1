package bbb

import "errors"

// ErrInvalidParams is the class of every [ParamError].
var ErrInvalidParams = errors.New("bbb: invalid parameters")
