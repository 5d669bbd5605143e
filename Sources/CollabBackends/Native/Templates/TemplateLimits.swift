/// Bounds on what one rendering may use, so that no template can hang or exhaust a program.
public struct TemplateLimits: Sendable, Hashable {
    /// The longest source, in bytes.
    public var sourceBytes: Int
    /// How deep expressions and blocks may nest in the source.
    public var nesting: Int
    /// How deep expressions and blocks may nest while rendering, through macros and recursive loops.
    public var depth: Int
    /// How many expressions, statements and elements one rendering may work through, beyond what the input's size
    /// allows for: every byte of input adds sixteen.
    public var steps: Int
    /// The longest text, and the longest output, in bytes, beyond the input's size.
    public var textBytes: Int
    /// How many bytes of text and lists one rendering may make in all, beyond 64 for every byte of input.
    public var totalBytes: Int

    /// Makes limits; each default is far above what chat templates need.
    public init(
        sourceBytes: Int = 1 << 20,
        nesting: Int = 48,
        depth: Int = 160,
        steps: Int = 200_000,
        textBytes: Int = 4 << 20,
        totalBytes: Int = 32 << 20
    ) {
        self.sourceBytes = sourceBytes
        self.nesting = nesting
        self.depth = depth
        self.steps = steps
        self.textBytes = textBytes
        self.totalBytes = totalBytes
    }

    /// The range that Jinja's sandbox allows as well.
    static let longestRange = 100_000
    /// How deep lists and mappings may nest, which bounds recursion over values.
    static let valueDepth = 100
}
