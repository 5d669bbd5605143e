import Collab
import Testing

@Suite("Parameters of a merge")
struct MergeParameterTests {
    @Test("one number, one a member, one a layer, one by name")
    func values() {
        let parameter: MergeParameter = [
            0.5,
            .matching(["attn": .gradient([0, 1], layers: 3), "mlp": 2], otherwise: 7),
        ]
        #expect(parameter.value(tensor: "blk.1.attn", member: 0) == 0.5)
        #expect(parameter.value(tensor: "model.layers.1.attn", member: 1) == 0.5)
        #expect(parameter.value(tensor: "blk.2.attn", member: 1) == 1)
        #expect(parameter.value(tensor: "attn", member: 1) == 0, "outside of layers the first value counts")
        #expect(parameter.value(tensor: "blk.0.mlp", member: 1) == 2)
        #expect(parameter.value(tensor: "norm", member: 1) == 7)
    }

    @Test("gradients interpolate between their values")
    func gradients() {
        let gradient = MergeParameter.gradient([0, 10, 40], layers: 5)
        #expect((0..<5).map { gradient.value(tensor: "layers.\($0).w") } == [0, 5, 10, 25, 40])
        #expect(MergeParameter.gradient([1, 3], layers: 1).value(tensor: "layers.0.w") == 3)
        #expect(MergeParameter.gradient([4], layers: 9).value(tensor: "layers.8.w") == 4)
    }
}
