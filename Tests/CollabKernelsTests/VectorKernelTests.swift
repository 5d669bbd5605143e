import Testing

@testable import CollabKernels

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Elementwise functions against float64.
@Suite struct VectorKernelTests {
    /// Distance from the exact value in units of the last place of the nearest float.
    private func ulps(_ value: Float, _ exact: Double) -> Double {
        let nearest = Float(exact)
        if value == nearest { return 0 }
        return abs(Double(value) - exact) / Double(max(nearest.magnitude, .leastNormalMagnitude).ulp)
    }

    @Test(arguments: KernelLevel.supported)
    func `exp is within two units of the last place`(level: KernelLevel) {
        let x = stride(from: Float(-103), through: 88.7, by: 0.0137).map { $0 } + [0, -0.0, 1e-8, -1e-8]
        var y = x
        VectorKernels.exp(x, count: x.count, into: &y, level: level)
        for (value, input) in zip(y, x) where input > -87 {
            #expect(ulps(value, exp(Double(input))) <= 2, "exp(\(input))")
        }
        for (value, input) in zip(y, x) where input <= -87 {
            #expect(abs(Double(value) - exp(Double(input))) <= 2 * Double(Float.leastNonzeroMagnitude))
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `exp keeps its limits and NaN`(level: KernelLevel) {
        let x: [Float] = [-.infinity, -200, -105, 89, 1000, .infinity, .nan]
        var y = x
        VectorKernels.exp(x, count: x.count, into: &y, level: level)
        #expect(y[0] == 0 && y[1] == 0 && y[2] == 0)
        #expect(y[3] == .infinity && y[4] == .infinity && y[5] == .infinity)
        #expect(y[6].isNaN)
    }

    @Test(arguments: KernelLevel.supported)
    func `tanh is within two units of the last place`(level: KernelLevel) {
        let x =
            stride(from: Float(-12), through: 12, by: 0.00713).map { $0 } + [
                1e-6, -1e-6, 0.625, -0.625, 40, -40,
            ]
        var y = x
        VectorKernels.tanh(x, count: x.count, into: &y, level: level)
        for (value, input) in zip(y, x) {
            #expect(ulps(value, tanh(Double(input))) <= 2.5, "tanh(\(input))")
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `gates follow their definitions`(level: KernelLevel) {
        let gate = stride(from: Float(-15), through: 15, by: 0.0173).map { $0 }
        var random = TestRandom(seed: 3)
        let up = random.floats(gate.count)
        var swish = gate
        var gelu = gate
        var tanhOnly = gate
        var erfOnly = gate
        VectorKernels.swiGLU(gate: gate, up: up, count: gate.count, into: &swish, level: level)
        VectorKernels.geGLU(gate: gate, up: up, count: gate.count, into: &gelu, level: level)
        VectorKernels.geluTanh(gate, count: gate.count, into: &tanhOnly, level: level)
        VectorKernels.geluErf(gate, count: gate.count, into: &erfOnly, level: level)
        for i in gate.indices {
            let x = Double(gate[i])
            let sigmoid = 1 / (1 + exp(-x))
            let u = (2 / Double.pi).squareRoot() * (x + 0.044715 * x * x * x)
            let exact = x / (1 + exp(-2 * u))
            // The argument's own rounding is magnified by the exponential.
            let geluTolerance = 2e-7 * (2 + 2 * abs(u))
            #expect(
                abs(Double(swish[i]) - x * sigmoid * Double(up[i])) <= 3e-7 * abs(x * sigmoid * Double(up[i]))
            )
            #expect(abs(Double(tanhOnly[i]) - exact) <= geluTolerance * abs(exact) + 1e-37)
            #expect(
                abs(Double(gelu[i]) - exact * Double(up[i])) <= geluTolerance * abs(exact * Double(up[i]))
                    + 1e-37
            )
            let erfExact = 0.5 * x * erfc(-x / 2.0.squareRoot())
            #expect(abs(Double(erfOnly[i]) - erfExact) <= 3e-7 * abs(x))
        }
    }

    @Test(arguments: KernelLevel.supported, [1, 15, 64, 100, 576, 2048])
    func `norms follow their definitions`(level: KernelLevel, count: Int) {
        var random = TestRandom(seed: UInt64(count))
        let x = random.floats(count).map { $0 * 3 + 1 }
        let weight = random.floats(count)
        let bias = random.floats(count)
        var rms = x
        var layer = x
        VectorKernels.rmsNorm(x, weight: weight, epsilon: 1e-5, count: count, into: &rms, level: level)
        VectorKernels.layerNorm(
            x,
            weight: weight,
            bias: bias,
            epsilon: 1e-5,
            count: count,
            into: &layer,
            level: level
        )
        let exact = x.map(Double.init)
        let mean = exact.reduce(0, +) / Double(count)
        let square = exact.reduce(0) { $0 + $1 * $1 } / Double(count)
        let variance = exact.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(count)
        for i in 0..<count {
            let root = exact[i] / (square + 1e-5).squareRoot() * Double(weight[i])
            #expect(abs(Double(rms[i]) - root) < 1e-6 * (1 + abs(root)))
            let centred =
                (exact[i] - mean) / (variance + 1e-5).squareRoot() * Double(weight[i]) + Double(bias[i])
            #expect(abs(Double(layer[i]) - centred) < 1e-5 * (1 + abs(centred)))
        }
        #expect(
            abs(
                Double(VectorKernels.dot(x, weight, count: count, level: level))
                    - zip(exact, weight).reduce(0) { $0 + $1.0 * Double($1.1) }
            )
                < 1e-5 * Double(count)
        )
    }

    @Test(arguments: KernelLevel.supported, [true, false])
    func `rotations turn pairs by the given angles`(level: KernelLevel, interleaved: Bool) {
        for (dimension, rotary) in [(64, 64), (80, 32), (6, 6), (256, 256)] {
            var random = TestRandom(seed: 9)
            let x = random.floats(2 * dimension)
            let angles = (0..<rotary / 2).map { Double($0) * 0.37 + 0.1 }
            var y = x
            VectorKernels.rope(
                &y,
                heads: 2,
                headDimension: dimension,
                rotaryDimension: rotary,
                cosines: angles.map { Float(cos($0)) },
                sines: angles.map { Float(sin($0)) },
                interleaved: interleaved,
                level: level
            )
            for head in 0..<2 {
                for i in 0..<rotary / 2 {
                    let first = head * dimension + (interleaved ? 2 * i : i)
                    let second = interleaved ? first + 1 : first + rotary / 2
                    let a = Double(x[first])
                    let b = Double(x[second])
                    #expect(abs(Double(y[first]) - (a * cos(angles[i]) - b * sin(angles[i]))) < 3e-7)
                    #expect(abs(Double(y[second]) - (a * sin(angles[i]) + b * cos(angles[i]))) < 3e-7)
                }
                for i in rotary..<dimension { #expect(y[head * dimension + i] == x[head * dimension + i]) }
            }
        }
    }

    @Test(arguments: KernelLevel.supported)
    func `sums and scalings follow their definitions`(level: KernelLevel) {
        var random = TestRandom(seed: 5)
        let x = random.floats(77)
        let base = random.floats(77)
        var sum = base
        VectorKernels.add(x, count: 77, to: &sum, level: level)
        #expect(sum == zip(x, base).map { $0 + $1 })
        var scaled = base
        VectorKernels.scale(x, by: 2.5, count: 77, into: &scaled, level: level)
        #expect(scaled == x.map { $0 * 2.5 })
        var mixed = base
        VectorKernels.add(0.5, times: x, count: 77, to: &mixed, level: level)
        for i in 0..<77 { #expect(abs(mixed[i] - (base[i] + 0.5 * x[i])) <= mixed[i].ulp) }
        var capped = x
        VectorKernels.softcap(x.map { $0 * 100 }, cap: 30, count: 77, into: &capped, level: level)
        for i in 0..<77 { #expect(abs(Double(capped[i]) - 30 * tanh(Double(x[i] * 100) / 30)) < 1e-5) }
    }

    @Test func `every level with fused multiply-adds gives the same bits`() {
        let levels = KernelLevel.supported.filter { $0 != .portable }
        guard let first = levels.first else { return }
        var random = TestRandom(seed: 11)
        let x = random.floats(1000).map { $0 * 10 }
        func results(_ level: KernelLevel) -> [Float] {
            var exp = x
            var gelu = x
            var norm = x
            VectorKernels.exp(x, count: x.count, into: &exp, level: level)
            VectorKernels.geluTanh(x, count: x.count, into: &gelu, level: level)
            VectorKernels.rmsNorm(x, weight: x, epsilon: 1e-6, count: x.count, into: &norm, level: level)
            return exp + gelu + norm
        }
        let expected = results(first)
        for level in levels { #expect(results(level) == expected, "\(level)") }
    }
}
