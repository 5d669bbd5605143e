import Collab

/// A token that is cut out of a text whole before the vocabulary is asked.
struct AddedToken: Sendable {
    /// Its number.
    var id: TokenID
    /// How it is written.
    var content: String
    /// Whether it steers the model rather than standing for text.
    var isSpecial: Bool
    /// Whether it may not be a part of a word.
    var isSingleWord: Bool
    /// Whether it takes the white space before it.
    var stripsLeft: Bool
    /// Whether it takes the white space after it.
    var stripsRight: Bool
    /// Whether it is looked for in the text after normalisation.
    var isNormalised: Bool
}

extension AddedToken {
    /// Reads an element of `added_tokens`.
    init(_ component: TokenizerComponent) throws(CollabError) {
        guard let id = component.json["id"]?.intValue, let token = TokenID(exactly: id), token >= 0 else {
            throw component.malformed("has no id from 0 to 2^31 - 1")
        }
        self.id = token
        content = try component.text("content")
        if content.isEmpty { throw component.malformed("has an empty content") }
        isSpecial = try component.bool("special", default: false)
        isSingleWord = try component.bool("single_word", default: false)
        stripsLeft = try component.bool("lstrip", default: false)
        stripsRight = try component.bool("rstrip", default: false)
        isNormalised = try component.bool("normalized", default: !isSpecial)
    }
}

/// Finds added tokens in a text; of several that begin at one place the longest, of overlapping ones the leftmost.
struct AddedTokenFinder: Sendable {
    private let trie: SpecialTokenTrie
    private let tokens: [AddedToken]
    let isEmpty: Bool

    /// - Parameter spelling: how a token is written in the texts that will be searched.
    init(_ tokens: [AddedToken], spelling: (AddedToken) -> [UInt8]) {
        self.tokens = tokens
        isEmpty = tokens.isEmpty
        trie = SpecialTokenTrie(
            tokens.enumerated().map { (spelling: spelling($1)[...], token: TokenID($0)) }
        )
    }

    /// Cuts a text into stretches and added tokens, in order; a stretch has the token −1.
    ///
    /// - Parameter includingSpecial: whether special tokens are cut out as well; if not, their spelling is text.
    func split(
        _ text: UnsafeBufferPointer<UInt8>,
        includingSpecial: Bool,
        _ body: (Range<Int>, TokenID) -> Void
    ) {
        var plain = 0
        var position = 0
        while position < text.count, !isEmpty {
            guard let match = trie.match(text, at: position, includingControl: true) else {
                position += 1
                continue
            }
            let token = tokens[Int(match.token)]
            var range = position..<(position + match.length)
            position = range.upperBound
            if token.isSpecial && !includingSpecial { continue }
            // White space that the token before has stripped is a token all the same, unless it would strip in turn.
            if range.upperBound <= plain, token.stripsLeft { continue }
            if token.isSingleWord, !Self.standsAlone(range, text) { continue }
            if token.stripsLeft {
                range = max(Self.startOfSpace(before: range.lowerBound, text), plain)..<range.upperBound
            }
            if token.stripsRight {
                range = range.lowerBound..<Self.endOfSpace(after: range.upperBound, text)
            }
            if plain < range.lowerBound { body(plain..<range.lowerBound, -1) }
            body(range, token.id)
            plain = range.upperBound
        }
        if plain < text.count { body(plain..<text.count, -1) }
    }

    private static func standsAlone(_ range: Range<Int>, _ text: UnsafeBufferPointer<UInt8>) -> Bool {
        let before = String(decoding: text[max(0, range.lowerBound - 4)..<range.lowerBound], as: UTF8.self)
        let after = String(
            decoding: text[range.upperBound..<min(text.count, range.upperBound + 4)],
            as: UTF8.self
        )
        let touchesWord =
            (before.unicodeScalars.last.map(ScalarSet.wordCharacters.contains) ?? false)
            || (after.unicodeScalars.first.map(ScalarSet.wordCharacters.contains) ?? false)
        return !touchesWord
    }

    private static func startOfSpace(before place: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        var start = place
        while start > 0 {
            var index = start - 1
            while index > 0, text[index] & 0xC0 == 0x80 { index -= 1 }
            let character = String(decoding: text[index..<start], as: UTF8.self).unicodeScalars.first
            guard let character, ScalarSet.whitespace.contains(character) else { break }
            start = index
        }
        return start
    }

    private static func endOfSpace(after place: Int, _ text: UnsafeBufferPointer<UInt8>) -> Int {
        ScalarClass.ascii.withUnsafeBufferPointer { ascii in
            ScalarReader(text: text, end: text.count, ascii: ascii).endOfRun(.whitespace, from: place)
        }
    }
}
