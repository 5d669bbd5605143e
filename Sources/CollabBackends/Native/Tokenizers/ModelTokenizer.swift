public import Collab

/// A tokenizer that comes with a model's file.
public protocol ModelTokenizer: Tokenizer {
    /// The tokens that frame a sequence.
    var markers: SequenceMarkers { get }
    /// The token with this name, such as `<|im_end|>`, among the control and user-defined ones.
    func specialToken(named name: String) -> TokenID?
    /// How a token is written: its text, or a control token's name.
    func spelling(of token: TokenID) -> [UInt8]
    /// The text of tokens; control tokens have none, and bytes that are no UTF-8 become U+FFFD.
    func decode(_ tokens: some Sequence<TokenID>) -> String
}

extension ModelTokenizer {
    /// The tokens of a prompt, framed by beginning and end tokens where the model was trained with them.
    ///
    /// - Parameter rendersMarkers: whether the text may already hold them, as a chat template's output does; then a
    ///   beginning token that is already there is not added once more.
    public func encodePrompt(
        _ text: String,
        parsingSpecialTokens: Bool,
        rendersMarkers: Bool = false
    ) throws(CollabError) -> [TokenID] {
        var tokens = try encode(text, parsingSpecialTokens: parsingSpecialTokens)
        if markers.addsBegin, let begin = markers.begin, !(rendersMarkers && tokens.first == begin) {
            tokens.insert(begin, at: 0)
        }
        if markers.addsEnd, let end = markers.end, !(rendersMarkers && tokens.last == end) {
            tokens.append(end)
        }
        return tokens
    }

    /// The text of tokens; control tokens have none, and bytes that are no UTF-8 become U+FFFD.
    public func decode(_ tokens: some Sequence<TokenID>) -> String {
        String(decoding: tokens.flatMap { bytes(of: $0) }, as: UTF8.self)
    }

    /// The text of tokens, control tokens by their names.
    public func render(_ tokens: some Sequence<TokenID>) -> String {
        String(decoding: tokens.flatMap { spelling(of: $0) }, as: UTF8.self)
    }
}
