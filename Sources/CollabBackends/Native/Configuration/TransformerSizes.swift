import Collab

/// The sizes that every model has, as a file claims them.
struct TransformerSizes {
    var vocabulary: Int
    var context: Int
    var embedding: Int
    var feedForward: Int
    var layers: Int
    var heads: Int
    var keyValueHeads: Int
    var headDimension: Int
    var rotaryDimension: Int

    /// The largest size that is believed: far above any real model, far below any overflow.
    static let largest = 1 << 24
    /// The most layers that are believed.
    static let mostLayers = 4096
    /// The widest head that the kernels attend with.
    static let widestHead = 1024

    /// Refuses sizes that contradict each other, before anything is allocated in proportion to them.
    ///
    /// Throws `malformedFile`, naming the sizes.
    func check(_ source: String) throws(CollabError) {
        func require(_ holds: Bool, _ complaint: @autoclosure () -> String) throws(CollabError) {
            guard holds else { throw CollabError(.malformedFile, "\(source) claims \(complaint()).") }
        }
        for size in [
            vocabulary, context, embedding, feedForward, layers, heads, keyValueHeads, headDimension,
        ] {
            try require((1...Self.largest).contains(size), "a size of \(size)")
        }
        try require(
            heads % keyValueHeads == 0,
            "\(keyValueHeads) key and value heads, which does not divide its \(heads) query heads"
        )
        try require(
            rotaryDimension >= 2 && rotaryDimension % 2 == 0 && rotaryDimension <= headDimension,
            "to rotate \(rotaryDimension) elements of a head, which must be even and at most its width \(headDimension)"
        )
        try require(
            headDimension <= Self.widestHead,
            "heads \(headDimension) wide; at most \(Self.widestHead) are known"
        )
        try require(layers <= Self.mostLayers, "\(layers) layers")
        // Both factors are believed sizes, so the product cannot overflow.
        try require(heads * headDimension <= Self.largest, "\(heads) heads, each \(headDimension) wide")
    }
}
