import Collab

extension TextSplitter {
    /// The kinds that can be read.
    static let kinds = [
        "BertPreTokenizer", "ByteLevel", "CharDelimiterSplit", "Digits", "Metaspace", "Punctuation",
        "Sequence",
        "Split", "Whitespace", "WhitespaceSplit",
    ]

    /// Reads a `pre_tokenizer`; also tells whether the vocabulary is written in the ``ByteAlphabet``.
    static func read(
        _ component: TokenizerComponent
    ) throws(CollabError) -> (splitter: TextSplitter, isByteLevel: Bool) {
        switch try component.type() {
        case "Sequence":
            var splitters: [TextSplitter] = []
            var isByteLevel = false
            for part in try component.parts("pretokenizers") {
                if isByteLevel {
                    throw CollabError(
                        .unsupported,
                        "tokenizer.json: \(part.place) comes after a ByteLevel part; ByteLevel has to be the last."
                    )
                }
                let read = try read(part)
                splitters.append(read.splitter)
                isByteLevel = read.isByteLevel
            }
            return (.sequence(splitters), isByteLevel)
        case "ByteLevel":
            var steps: [TextSplitter] = []
            if try component.bool("add_prefix_space", default: true) { steps.append(.prefixSpace) }
            if try component.bool("use_regex", default: true) {
                steps.append(.split(.words(.gpt2), .isolated, inverted: false))
            }
            return (.sequence(steps), true)
        case "Split":
            let behaviour = try behaviour(component, default: nil)
            let inverted = try component.bool("invert", default: false)
            return (.split(try component.pattern(), behaviour, inverted: inverted), false)
        case "Whitespace":
            return (.split(.wordsAndSymbols, .removed, inverted: true), false)
        case "WhitespaceSplit":
            return (.split(.characters(.whitespace), .removed, inverted: false), false)
        case "CharDelimiterSplit":
            let delimiter = Array(try component.text("delimiter").utf8)
            if delimiter.isEmpty { throw component.malformed("has an empty delimiter") }
            return (.split(.literal(delimiter), .removed, inverted: false), false)
        case "Digits":
            let each = try component.bool("individual_digits", default: false)
            return (.split(.characters(.numbers), each ? .isolated : .contiguous, inverted: false), false)
        case "Punctuation":
            let behaviour = try behaviour(component, default: .isolated)
            return (.split(.characters(.punctuation), behaviour, inverted: false), false)
        case "BertPreTokenizer": return (.words, false)
        case "Metaspace": return (.metaspace(try Metaspace(component)), false)
        case let other: throw component.unknown(other, known: kinds)
        }
    }

    /// Words and signs, as BERT cuts them.
    static let words: TextSplitter = .sequence([
        .split(.characters(.whitespace), .removed, inverted: false),
        .split(.characters(.punctuation), .isolated, inverted: false),
    ])

    private static func behaviour(
        _ component: TokenizerComponent,
        default value: SplitBehaviour?
    ) throws(CollabError) -> SplitBehaviour {
        guard let name = try component.optionalText("behavior") else {
            guard let value else { throw component.malformed("has no behavior") }
            return value
        }
        guard let behaviour = SplitBehaviour(rawValue: name) else {
            throw component.unknown(name, known: SplitBehaviour.allCases.map(\.rawValue))
        }
        return behaviour
    }
}

extension TextSplitter.Metaspace {
    /// Reads a `Metaspace` of a pre-tokenizer or a decoder.
    init(_ component: TokenizerComponent) throws(CollabError) {
        mark = Array((try component.optionalText("replacement") ?? "▁").utf8)
        if mark.isEmpty { throw component.malformed("has an empty replacement") }
        if let name = try component.optionalText("prepend_scheme") {
            guard let prefix = Prefix(rawValue: name) else {
                throw component.unknown(name, known: ["always", "first", "never"])
            }
            self.prefix = prefix
        } else {
            prefix = try component.bool("add_prefix_space", default: true) ? .always : .never
        }
        cuts = try component.bool("split", default: true)
    }
}
