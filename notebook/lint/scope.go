package lint

import "strings"

// A scope is where names are bound: the notebook, a function or a class.
type scope struct {
	parent   *scope
	function bool           // what stands in it runs later
	binds    map[string]int // each name with the number of the statement that binds it first
}

func newScope(parent *scope, function bool) *scope {
	return &scope{parent: parent, function: function, binds: map[string]int{}}
}

func (s *scope) bind(name string, at int) {
	if first, ok := s.binds[name]; !ok || at < first {
		s.binds[name] = at
	}
}

// module returns the outermost scope.
func (s *scope) module() *scope {
	for s.parent != nil {
		s = s.parent
	}
	return s
}

// later reports whether what stands in the scope runs when a function is called.
func (s *scope) later() bool {
	for ; s != nil; s = s.parent {
		if s.function {
			return true
		}
	}
	return false
}

// lookUp returns the number of the statement that binds a name; within functions
// and classes any of theirs will do, which is 0.
func (s *scope) lookUp(name string) (int, bool) {
	for ; s.parent != nil; s = s.parent {
		if _, ok := s.binds[name]; ok {
			return 0, true
		}
	}
	at, ok := s.binds[name]
	return at, ok
}

// keywords of Python, which are no names.
const reserved = " False None True and as assert async await break class continue def del elif else except finally for from global if import in is " +
	"lambda nonlocal not or pass raise return try while with yield "

func keyword(text string) bool { return strings.Contains(reserved, " "+text+" ") }

// builtin reports whether Python or IPython defines a name.
func builtin(name string) bool {
	if strings.HasPrefix(name, "_") && strings.Trim(name, "_0123456789i") == "" {
		return true // IPython's history
	}
	return strings.Contains(builtins, " "+name+" ")
}

const builtins = " ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError BufferError " +
	"BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError " +
	"Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning " +
	"GeneratorExit IOError ImportError ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt " +
	"LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplemented NotImplementedError OSError OverflowError " +
	"PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError RecursionError ReferenceError ResourceWarning RuntimeError " +
	"RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError TypeError " +
	"UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning " +
	"WindowsError ZeroDivisionError abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex " +
	"copyright credits delattr dict dir divmod enumerate eval exec exit filter float format frozenset getattr globals hasattr hash help hex id " +
	"input int isinstance issubclass iter len license list locals map max memoryview min next object oct open ord pow print property quit range " +
	"repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip " +
	"__annotations__ __build_class__ __builtins__ __class__ __debug__ __dict__ __doc__ __file__ __import__ __loader__ __module__ __name__ __package__ " +
	"__path__ __qualname__ __spec__ __vsc_ipynb_file__ get_ipython display In Out _ih _oh _dh "
