internal import CKernels

/// Functions over vectors of floats: norms, rotations, gates. All may work in place.
public enum VectorKernels {
    /// y = x / √(mean(x²) + ε) · weight (Zhang and Sennrich 2019). Without a weight the factor is 1.
    public static func rmsNorm(
        _ x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>?,
        epsilon: Float,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_rms_norm(level.raw, x, weight, epsilon, count, y)
    }

    /// 1 / √(mean(x²) + ε).
    public static func rmsScale(
        _ x: UnsafePointer<Float>,
        epsilon: Float,
        count: Int,
        level: KernelLevel = .best
    ) -> Float {
        collab_rms_scale(level.raw, x, count, epsilon)
    }

    /// y = (x − mean) / √(variance + ε) · weight + bias (Ba et al. 2016).
    public static func layerNorm(
        _ x: UnsafePointer<Float>,
        weight: UnsafePointer<Float>?,
        bias: UnsafePointer<Float>?,
        epsilon: Float,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_layer_norm(level.raw, x, weight, bias, epsilon, count, y)
    }

    /// Rotary position embedding (Su et al. 2021) of one position's heads, in place.
    ///
    /// - Parameters:
    ///   - x: `heads` vectors of `headDimension` floats.
    ///   - rotaryDimension: How many leading elements of each head turn; even.
    ///   - cosines: cos(position · frequency) for each of the `rotaryDimension / 2` pairs.
    ///   - sines: The sines of the same angles.
    ///   - interleaved: Pairs are (2i, 2i + 1) if true, else (i, i + rotaryDimension / 2).
    public static func rope(
        _ x: UnsafeMutablePointer<Float>,
        heads: Int,
        headDimension: Int,
        rotaryDimension: Int,
        cosines: UnsafePointer<Float>,
        sines: UnsafePointer<Float>,
        interleaved: Bool,
        level: KernelLevel = .best
    ) {
        precondition(rotaryDimension >= 0 && rotaryDimension <= headDimension && rotaryDimension % 2 == 0)
        collab_rope(level.raw, x, heads, headDimension, rotaryDimension, cosines, sines, interleaved)
    }

    /// y = gate · σ(gate) · up (SwiGLU, Shazeer 2020).
    public static func swiGLU(
        gate: UnsafePointer<Float>,
        up: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_swiglu(level.raw, gate, up, count, y)
    }

    /// y = gelu(gate) · up with the tanh form of GELU (GeGLU, Shazeer 2020).
    public static func geGLU(
        gate: UnsafePointer<Float>,
        up: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_geglu(level.raw, gate, up, count, y)
    }

    /// y = ½ x (1 + tanh(√(2/π)(x + 0.044715 x³))).
    public static func geluTanh(
        _ x: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_gelu_tanh(level.raw, x, count, y)
    }

    /// y = ½ x (1 + erf(x / √2)), within 3·10⁻⁷ · |x|.
    public static func geluErf(
        _ x: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_gelu_erf(level.raw, x, count, y)
    }

    /// y = eˣ.
    public static func exp(
        _ x: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_exp(level.raw, x, count, y)
    }

    /// y = tanh x.
    public static func tanh(
        _ x: UnsafePointer<Float>,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_tanh(level.raw, x, count, y)
    }

    /// y = y + x.
    public static func add(
        _ x: UnsafePointer<Float>,
        count: Int,
        to y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_add(level.raw, x, count, y)
    }

    /// y = y + factor · x.
    public static func add(
        _ factor: Float,
        times x: UnsafePointer<Float>,
        count: Int,
        to y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_axpy(level.raw, factor, x, count, y)
    }

    /// y = factor · x.
    public static func scale(
        _ x: UnsafePointer<Float>,
        by factor: Float,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_scale(level.raw, factor, x, count, y)
    }

    /// y = cap · tanh(x / cap), the soft-cap of Gemma 2.
    public static func softcap(
        _ x: UnsafePointer<Float>,
        cap: Float,
        count: Int,
        into y: UnsafeMutablePointer<Float>,
        level: KernelLevel = .best
    ) {
        collab_softcap(level.raw, cap, x, count, y)
    }

    /// Σ x·y.
    public static func dot(
        _ x: UnsafePointer<Float>,
        _ y: UnsafePointer<Float>,
        count: Int,
        level: KernelLevel = .best
    ) -> Float {
        collab_dot(level.raw, x, y, count)
    }
}
