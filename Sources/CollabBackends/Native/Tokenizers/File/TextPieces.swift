import Collab

/// Text on its way to tokens: bytes, and the pieces of them that are tokenised apart.
struct TextPieces {
    /// A stretch of ``TextPieces/bytes``.
    struct Piece {
        /// Where it lies.
        var range: Range<Int>
        /// The added token that it is, or −1 for text.
        var token: TokenID = -1
        /// Whether it begins where the original text begins.
        var opensText = false
    }

    /// Whether the text goes on with another, so that nothing is put in front of it.
    var continuesText = false
    /// What the pieces are made of.
    var bytes: [UInt8] = []
    /// The pieces in the order of the text.
    var pieces: [Piece] = []

    /// Puts each text piece through a function that may rewrite its bytes.
    mutating func rewrite(_ body: (Piece, UnsafeBufferPointer<UInt8>, inout [UInt8]) -> Void) {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 8 + 16)
        bytes.withUnsafeBufferPointer { text in
            for index in pieces.indices where pieces[index].token < 0 {
                let start = output.count
                body(pieces[index], UnsafeBufferPointer(rebasing: text[pieces[index].range]), &output)
                pieces[index].range = start..<output.count
            }
        }
        bytes = output
    }

    /// Cuts each text piece at the matches of a pattern.
    mutating func split(by pattern: SplitPattern, _ behaviour: SplitBehaviour, inverted: Bool) {
        var output: [Piece] = []
        output.reserveCapacity(pieces.count + bytes.count / 4)
        bytes.withUnsafeBufferPointer { text in
            ScalarClass.ascii.withUnsafeBufferPointer { ascii in
                for piece in pieces {
                    if piece.token >= 0 {
                        output.append(piece)
                        continue
                    }
                    let reader = ScalarReader(text: text, end: piece.range.upperBound, ascii: ascii)
                    var joiner = SplitJoiner(behaviour: behaviour, firstOfPiece: output.count)
                    pattern.forEachSegment(of: piece.range, reader) { range, isMatch in
                        joiner.add(range, isMatch: isMatch != inverted, to: &output)
                    }
                    joiner.finish(&output)
                    if piece.opensText, joiner.firstOfPiece < output.count,
                        output[joiner.firstOfPiece].range.lowerBound == piece.range.lowerBound
                    {
                        output[joiner.firstOfPiece].opensText = true
                    }
                }
            }
        }
        pieces = output
    }
}

/// What becomes of the matches at which text is cut.
enum SplitBehaviour: String, Sendable, CaseIterable {
    /// They are dropped.
    case removed = "Removed"
    /// Each is a piece.
    case isolated = "Isolated"
    /// They end the piece before.
    case mergedWithPrevious = "MergedWithPrevious"
    /// They begin the piece after.
    case mergedWithNext = "MergedWithNext"
    /// Neighbouring matches are one piece.
    case contiguous = "Contiguous"
}

/// Joins segments to pieces as a ``SplitBehaviour`` says.
private struct SplitJoiner {
    let behaviour: SplitBehaviour
    let firstOfPiece: Int
    private var previousIsMatch = false
    /// With ``SplitBehaviour/mergedWithNext``, where a match begins that waits for what follows.
    private var waiting: Range<Int>?

    init(behaviour: SplitBehaviour, firstOfPiece: Int) {
        self.behaviour = behaviour
        self.firstOfPiece = firstOfPiece
    }

    mutating func add(_ range: Range<Int>, isMatch: Bool, to output: inout [TextPieces.Piece]) {
        if range.isEmpty { return }
        let hasPrevious = output.count > firstOfPiece
        switch behaviour {
        case .removed:
            if !isMatch { output.append(.init(range: range)) }
        case .isolated:
            output.append(.init(range: range))
        case .mergedWithPrevious:
            if isMatch, !previousIsMatch, hasPrevious {
                output[output.count - 1].range = output[output.count - 1].range.lowerBound..<range.upperBound
            } else {
                output.append(.init(range: range))
            }
        case .mergedWithNext:
            // Only the last of neighbouring matches joins what follows.
            if isMatch {
                finish(&output)
                waiting = range
            } else {
                output.append(.init(range: (waiting?.lowerBound ?? range.lowerBound)..<range.upperBound))
                waiting = nil
            }
        case .contiguous:
            if isMatch == previousIsMatch, hasPrevious {
                output[output.count - 1].range = output[output.count - 1].range.lowerBound..<range.upperBound
            } else {
                output.append(.init(range: range))
            }
        }
        previousIsMatch = isMatch
    }

    mutating func finish(_ output: inout [TextPieces.Piece]) {
        if let waiting { output.append(.init(range: waiting)) }
        waiting = nil
    }
}
