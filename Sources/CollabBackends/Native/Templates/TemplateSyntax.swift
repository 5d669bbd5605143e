/// An expression of a template.
///
/// Chains (`a + b + c`, `a.b[c](d)|e is f`) are flat lists and not nested pairs, so that a long chain does not make
/// the evaluation deep.
struct TemplateExpression: Sendable {
    indirect enum Kind: Sendable {
        case none
        case bool(Bool)
        case integer(Int)
        case double(Double)
        case string(String)
        case name(String)
        case list([TemplateExpression])
        case tuple([TemplateExpression])
        case mapping([(key: TemplateExpression, value: TemplateExpression)])
        /// `then if condition else otherwise`
        case conditional(TemplateExpression, then: TemplateExpression, otherwise: TemplateExpression?)
        case or([TemplateExpression])
        case and([TemplateExpression])
        case not(TemplateExpression)
        case comparison(TemplateExpression, [(TemplateComparison, TemplateExpression)])
        /// Operators of one rank, from left to right.
        case arithmetic(TemplateExpression, [(TemplateOperator, TemplateExpression)])
        /// `a ~ b ~ c`
        case concatenation([TemplateExpression])
        /// `-a` or `+a`
        case sign(isNegative: Bool, TemplateExpression)
        /// Attributes, subscripts, calls, filters and tests applied one after another.
        case postfix(TemplateExpression, [TemplatePostfix])
    }

    var kind: Kind
    var line: Int
}

/// How two values are compared.
enum TemplateComparison: String, Sendable {
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case lessOrEqual = "<="
    case greater = ">"
    case greaterOrEqual = ">="
    case isIn = "in"
    case isNotIn = "not in"
}

/// An arithmetic operator.
enum TemplateOperator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case floorDivide = "//"
    case modulo = "%"
    case power = "**"
}

/// What is applied to a value.
enum TemplatePostfix: Sendable {
    case attribute(String)
    case subscript_(TemplateExpression)
    case slice(start: TemplateExpression?, stop: TemplateExpression?, step: TemplateExpression?)
    case call(TemplateArguments)
    case filter(String, TemplateArguments, line: Int)
    case test(String, TemplateArguments, isNegated: Bool, line: Int)
}

/// The arguments of a call, a filter or a test.
struct TemplateArguments: Sendable {
    var positional: [TemplateExpression] = []
    var named: [(name: String, value: TemplateExpression)] = []
    /// `*list`
    var unpackedList: TemplateExpression?
    /// `**mapping`
    var unpackedMapping: TemplateExpression?
}

/// What an assignment assigns to.
indirect enum TemplateTarget: Sendable {
    case name(String)
    /// `{% set space.name = … %}`
    case attribute(of: String, String)
    case tuple([TemplateTarget])
}

/// A statement of a template.
struct TemplateStatement: Sendable {
    indirect enum Kind: Sendable {
        case text(String)
        case output(TemplateExpression)
        /// `if`, `elif`, `else`
        case condition(
            [(condition: TemplateExpression, body: [TemplateStatement])],
            otherwise: [TemplateStatement]
        )
        case loop(TemplateLoop)
        case set(TemplateTarget, TemplateExpression)
        /// `{% set x %}…{% endset %}`, with filters
        case setBlock(TemplateTarget, [TemplatePostfix], [TemplateStatement])
        case macro(TemplateMacro)
        /// `{% call f() %}…{% endcall %}`
        case call(TemplateExpression, caller: TemplateMacro)
        case filter([TemplatePostfix], [TemplateStatement])
        case with([(TemplateTarget, TemplateExpression)], [TemplateStatement])
        case break_
        case continue_
    }

    var kind: Kind
    var line: Int
}

/// `{% for target in sequence if condition recursive %}…{% else %}…{% endfor %}`
struct TemplateLoop: Sendable {
    var target: TemplateTarget
    var sequence: TemplateExpression
    var condition: TemplateExpression?
    var isRecursive: Bool
    var body: [TemplateStatement]
    var otherwise: [TemplateStatement]
}

/// `{% macro name(parameters) %}…{% endmacro %}`
struct TemplateMacro: Sendable {
    var name: String
    var parameters: [(name: String, fallback: TemplateExpression?)]
    var body: [TemplateStatement]
    /// Whether the body asks for surplus arguments by the name `varargs`.
    var takesSurplusValues = false
    /// Whether the body asks for unknown named arguments by the name `kwargs`.
    var takesUnknownNames = false
}
