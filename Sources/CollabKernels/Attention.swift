internal import CKernels

/// How keys and values are kept.
public enum KeyValueFormat: String, Hashable, Sendable, CaseIterable {
    /// 32-bit floats: nothing is rounded.
    case float32
    /// 16-bit floats.
    case float16
    /// Bytes, with a 32-bit factor for each position's keys of a head and one for its values: a little more than half
    /// the memory of 16-bit floats.
    case int8

    fileprivate var raw: collab_kv_format {
        switch self {
        case .float32: COLLAB_KV_SINGLE
        case .float16: COLLAB_KV_HALF
        case .int8: COLLAB_KV_BYTE
        }
    }
}

/// The shape of one layer's key-value cache and the kernels that write and read it.
///
/// The cache of a sequence is a list of pages, each with 64 positions of all key-value heads of one layer. Pages are
/// plain memory aligned to 64 bytes; several sequences may read the same page.
public struct AttentionShape: Hashable, Sendable {
    /// Key-value heads of the layer.
    public let kvHeads: Int
    /// Elements of each head's keys and values, 1…1024.
    public let headDimension: Int
    /// How keys and values are kept.
    public let format: KeyValueFormat

    /// How many positions a page holds.
    public static let pagePositions = Int(COLLAB_PAGE_POSITIONS)

    /// Makes a shape.
    public init(kvHeads: Int, headDimension: Int, format: KeyValueFormat = .float16) {
        precondition(kvHeads > 0 && (1...1024).contains(headDimension))
        self.kvHeads = kvHeads
        self.headDimension = headDimension
        self.format = format
    }

    /// Bytes of one page; allocate it aligned to 64.
    public var pageBytes: Int { collab_kv_page_bytes(raw) }

    /// Writes one position's keys and values, rounded to the format, `kvHeads × headDimension` floats each, into slot 0…63 of a page.
    public func store(
        keys: UnsafePointer<Float>,
        values: UnsafePointer<Float>,
        slot: Int,
        of page: UnsafeMutableRawPointer,
        level: KernelLevel = .best
    ) {
        precondition(slot >= 0 && slot < Self.pagePositions, "slot out of range")
        collab_kv_store(level.raw, raw, page, Int32(slot), keys, values)
    }

    /// Reads one position's keys and values back.
    public func load(
        slot: Int,
        of page: UnsafeRawPointer,
        keys: UnsafeMutablePointer<Float>,
        values: UnsafeMutablePointer<Float>
    ) {
        precondition(slot >= 0 && slot < Self.pagePositions, "slot out of range")
        collab_kv_load(raw, page, Int32(slot), keys, values)
    }

    /// Copies the first `slots` positions of a page into another: what a fork does before it writes.
    public func copy(slots: Int, of source: UnsafeRawPointer, into target: UnsafeMutableRawPointer) {
        precondition(slots >= 0 && slots <= Self.pagePositions, "slots out of range")
        collab_kv_copy(raw, source, Int32(slots), target)
    }

    /// output = softmax(scale · q · Kᵀ) · V for some query heads; those that share a key-value head read it together.
    ///
    /// Query t sees the positions `starts[t]..<ends[t]`; one that sees nothing gets zeros. Each result depends on its
    /// own query and range only, bit for bit, so one query at a time and a whole prompt agree. Threads may take
    /// different heads or different queries.
    ///
    /// - Parameters:
    ///   - queries: Row t at `queries + t * queryStride`: `queryHeads × headDimension` floats, already rotated.
    ///   - queryHeads: A multiple of ``kvHeads``; head h reads key-value head `h / (queryHeads / kvHeads)`.
    ///   - tokens: How many queries.
    ///   - pages: `pages[p / 64]` holds position p. Pages outside every range are never read.
    ///   - starts: First visible position of each query (0 without a sliding window).
    ///   - ends: One past the last visible position of each query.
    ///   - scale: Factor of the scores, usually 1/√headDimension.
    ///   - softcap: 0, or the cap c of c·tanh(score / c).
    ///   - output: Same shape as the queries, `outputStride` apart.
    ///   - heads: Which key-value heads, with all their query heads; all if nil.
    ///   - queryHeadRange: Which query heads, instead of whole groups.
    public func attend(
        queries: UnsafePointer<Float>,
        queryStride: Int,
        queryHeads: Int,
        tokens: Int,
        pages: UnsafePointer<UnsafeRawPointer?>,
        starts: UnsafePointer<Int32>,
        ends: UnsafePointer<Int32>,
        scale: Float,
        softcap: Float = 0,
        output: UnsafeMutablePointer<Float>,
        outputStride: Int,
        heads: Range<Int>? = nil,
        queryHeadRange: Range<Int>? = nil,
        level: KernelLevel = .best
    ) {
        let heads = heads ?? 0..<kvHeads
        precondition(heads.lowerBound >= 0 && heads.upperBound <= kvHeads, "heads out of range")
        precondition(
            queryHeads > 0 && queryHeads % kvHeads == 0,
            "query heads are no multiple of key-value heads"
        )
        let group = queryHeads / kvHeads
        let range = queryHeadRange ?? heads.lowerBound * group..<heads.upperBound * group
        precondition(range.lowerBound >= 0 && range.upperBound <= queryHeads, "query heads out of range")
        guard tokens > 0 else { return }
        var call = collab_attention(
            pages: pages,
            queries: queries,
            query_stride: queryStride,
            output: output,
            output_stride: outputStride,
            starts: starts,
            ends: ends,
            tokens: Int32(tokens),
            query_heads: Int32(queryHeads),
            scale: scale,
            softcap: softcap
        )
        collab_attend(level.raw, raw, &call, Int32(range.lowerBound), Int32(range.upperBound))
    }

    private var raw: collab_kv_shape {
        collab_kv_shape(
            kv_heads: Int32(kvHeads),
            head_dimension: Int32(headDimension),
            format: format.raw
        )
    }
}
