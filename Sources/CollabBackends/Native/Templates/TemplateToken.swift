/// A word of a template's source.
struct TemplateToken: Sendable {
    /// What it is.
    enum Kind: Sendable, Equatable {
        /// Text between tags, copied to the output.
        case text(String)
        /// `{%`
        case blockBegin
        /// `%}`
        case blockEnd
        /// `{{`
        case variableBegin
        /// `}}`
        case variableEnd
        /// A name or keyword.
        case name(String)
        /// A text literal, its escapes resolved.
        case string(String)
        /// A whole number.
        case integer(Int)
        /// A number with a fraction or an exponent.
        case double(Double)
        /// An operator or bracket.
        case symbol(String)
        /// The end of the source.
        case end
    }

    var kind: Kind
    /// The line it begins on, from 1.
    var line: Int

    /// The token as an error message shows it.
    var shown: String {
        switch kind {
        case .text: "text"
        case .blockBegin: "“{%”"
        case .blockEnd: "“%}”"
        case .variableBegin: "“{{”"
        case .variableEnd: "“}}”"
        case .name(let name): "“\(name.prefix(40))”"
        case .string: "a text literal"
        case .integer, .double: "a number"
        case .symbol(let symbol): "“\(symbol)”"
        case .end: "the end of the template"
        }
    }
}
