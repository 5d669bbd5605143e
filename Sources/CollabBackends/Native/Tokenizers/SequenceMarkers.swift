public import Collab

/// The tokens of a vocabulary that frame a sequence, and whether the model was trained with them.
public struct SequenceMarkers: Sendable, Hashable {
    /// Begins a sequence.
    public var begin: TokenID?
    /// Ends a sequence.
    public var end: TokenID?
    /// Stands for what the vocabulary cannot spell.
    public var unknown: TokenID?
    /// Fills up sequences of a batch.
    public var padding: TokenID?
    /// Whether a prompt starts with ``begin``.
    public var addsBegin: Bool
    /// Whether a prompt ends with ``end``.
    public var addsEnd: Bool

    /// Makes a set of markers.
    public init(
        begin: TokenID? = nil,
        end: TokenID? = nil,
        unknown: TokenID? = nil,
        padding: TokenID? = nil,
        addsBegin: Bool = false,
        addsEnd: Bool = false
    ) {
        self.begin = begin
        self.end = end
        self.unknown = unknown
        self.padding = padding
        self.addsBegin = addsBegin
        self.addsEnd = addsEnd
    }
}
