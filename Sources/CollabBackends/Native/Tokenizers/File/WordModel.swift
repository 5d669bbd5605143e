import Collab

/// Finds the tokens of one piece of text.
protocol WordModel: Sendable {
    /// Appends a piece's tokens.
    ///
    /// - Parameters:
    ///   - word: where the piece lies.
    ///   - scratch: memory that is used again for the next piece.
    func append(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ scratch: inout WordScratch,
        to output: inout [TokenID]
    )

    /// The next place at or before `end` where a piece may be cut without changing its tokens.
    func endOfPart(from start: Int, to end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int
}

extension WordModel {
    func endOfPart(from start: Int, to end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int { end }
}

/// Memory that a ``WordModel`` uses from piece to piece.
struct WordScratch {
    var merger = SymbolMerger()
    var path: [UnigramModel.Node] = []
    var tokens: [TokenID] = []
}

/// Byte-pair encoding as `tokenizer.json` describes it, over bytes or over characters.
struct BytePairModel: WordModel {
    /// The tokens by what they are merged from: bytes for a byte-level vocabulary, else the file's spelling.
    let table: TokenTable
    let merges: MergeTable
    /// Whether symbols are bytes at first; else they are characters.
    let startsFromBytes: Bool
    /// What stands for a character without a token; such characters are dropped where there is none.
    let unknown: TokenID?
    /// Whether neighbouring unknown characters become one token.
    let fusesUnknown: Bool
    /// Whether a word that is a token is taken whole.
    let takesWholeWords: Bool
    /// Bytes after which a token may go on with `▁`; `nil` where no piece may be cut at marks.
    let bytesBeforeInnerMark: [Bool]?

    func append(
        _ word: Range<Int>,
        of text: UnsafeBufferPointer<UInt8>,
        _ scratch: inout WordScratch,
        to output: inout [TokenID]
    ) {
        if takesWholeWords {
            let token = table.find(text.baseAddress! + word.lowerBound, count: word.count)
            if token >= 0 { return output.append(token) }
        }
        scratch.merger.reset(start: word.lowerBound)
        if startsFromBytes {
            table.byteTokens.withUnsafeBufferPointer { byteTokens in
                for index in word { add(byteTokens[Int(text[index])], end: index + 1, &scratch.merger) }
            }
        } else {
            var index = word.lowerBound
            while index < word.upperBound {
                let start = index
                index += 1
                while index < word.upperBound, text[index] & 0xC0 == 0x80 { index += 1 }
                let token = table.find(text.baseAddress! + start, count: index - start)
                if token < 0, (start..<index).allSatisfy({ table.byteTokens[Int(text[$0])] >= 0 }) {
                    for byte in start..<index {
                        scratch.merger.append(table.byteTokens[Int(text[byte])], end: byte + 1)
                    }
                } else {
                    add(token, end: index, &scratch.merger)
                }
            }
        }
        scratch.merger.merge(Rule(merges: merges))
        output.append(contentsOf: scratch.merger.tokens)
    }

    @inline(__always)
    private func add(_ token: TokenID, end: Int, _ merger: inout SymbolMerger) {
        if token >= 0 {
            merger.append(token, end: end)
        } else if let unknown, !(fusesUnknown && merger.tokens.last == unknown) {
            merger.append(unknown, end: end)
        }
    }

    func endOfPart(from start: Int, to end: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        guard let bytesBeforeInnerMark else { return end }
        return bytesBeforeInnerMark.withUnsafeBufferPointer { isInner in
            var index = start + 1
            while index + 2 < end {
                if text[index] == 0xE2, text[index + 1] == 0x96, text[index + 2] == 0x81,
                    !isInner[Int(text[index - 1])]
                {
                    // A run of marks stays whole: they merge with each other.
                    let followsMark =
                        index >= start + 3 && text[index - 1] == 0x81 && text[index - 2] == 0x96
                        && text[index - 3] == 0xE2
                    if !followsMark { return index }
                }
                index += 1
            }
            return end
        }
    }

    private struct Rule: MergeRule {
        let merges: MergeTable

        @inline(__always)
        func join(_ left: TokenID, _ right: TokenID, bytes: Range<Int>) -> UInt64 {
            merges.result(left, right)
        }
    }
}
