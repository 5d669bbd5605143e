/// How text is cut into words, and rewritten on the way, before a vocabulary is asked.
indirect enum TextSplitter: Sendable {
    /// One after another.
    case sequence([TextSplitter])
    /// Cuts at a pattern.
    case split(SplitPattern, SplitBehaviour, inverted: Bool)
    /// Puts a space before every piece that has none.
    case prefixSpace
    /// Writes spaces as a mark and cuts before each mark.
    case metaspace(Metaspace)

    /// How spaces are marked.
    struct Metaspace: Sendable {
        /// Before which pieces a mark is put.
        enum Prefix: String, Sendable {
            case always, first, never
        }

        /// The mark: `▁` (U+2581).
        var mark: [UInt8]
        /// Before which pieces a mark is put.
        var prefix: Prefix
        /// Whether text is cut before marks.
        var cuts: Bool
    }

    /// Cuts the pieces further.
    func apply(to text: inout TextPieces) {
        let continuesText = text.continuesText
        switch self {
        case .sequence(let splitters):
            for splitter in splitters { splitter.apply(to: &text) }
        case .split(let pattern, let behaviour, let inverted):
            text.split(by: pattern, behaviour, inverted: inverted)
        case .prefixSpace:
            text.rewrite { piece, bytes, output in
                let isPrefixed = bytes.first != UInt8(ascii: " ") && !(continuesText && piece.opensText)
                if isPrefixed { output.append(UInt8(ascii: " ")) }
                output.append(contentsOf: bytes)
            }
        case .metaspace(let metaspace):
            text.rewrite { piece, bytes, output in
                let startsWithMark = bytes.starts(with: metaspace.mark) || bytes.first == UInt8(ascii: " ")
                let isPrefixed =
                    switch metaspace.prefix {
                    case .always: !startsWithMark && !(continuesText && piece.opensText)
                    case .first: !startsWithMark && !continuesText && piece.opensText
                    case .never: false
                    }
                if isPrefixed { output.append(contentsOf: metaspace.mark) }
                for byte in bytes {
                    if byte == UInt8(ascii: " ") {
                        output.append(contentsOf: metaspace.mark)
                    } else {
                        output.append(byte)
                    }
                }
            }
            if metaspace.cuts { text.split(by: .literal(metaspace.mark), .mergedWithNext, inverted: false) }
        }
    }
}
