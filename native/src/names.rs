//! Proxy names: a keyed permutation of the name number, said in two words and a number. `docs/reference/proxy-names.md`
//! has the construction and its test vectors; the tables that follow from the key are handed in.

use crate::error::{Error, Result};

const NUMBERS: u32 = 10_000;

/// The proxy names under one key.
#[derive(Clone)]
pub struct Names {
    side: u32,
    rounds: Vec<[Vec<u16>; 2]>,
    adjectives: Vec<Box<str>>,
    creatures: Vec<Box<str>>,
}

impl Names {
    /// `tables`: one a round, an even number, each as long as its values are large; words of ASCII letters alone.
    pub fn new(tables: Vec<Vec<u16>>, adjectives: Vec<Box<str>>, creatures: Vec<Box<str>>) -> Result<Names> {
        let side = tables.first().map_or(0, Vec::len);
        let fits = tables.len().is_multiple_of(2)
            && tables.iter().all(|table| table.len() == side && table.iter().all(|value| usize::from(*value) < side))
            && side <= 1 << 15 // so that sums of two values and squares stay in 32 bits
            && side * side == adjectives.len() * creatures.len() * NUMBERS as usize
            && adjectives.iter().chain(&creatures).all(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic()));
        if !fits || side == 0 {
            return Err(Error::Invalid("the tables and words of the proxy names do not fit together".into()));
        }
        let mut tables = tables.into_iter();
        let rounds = std::iter::from_fn(|| Some([tables.next()?, tables.next()?])).collect();
        Ok(Names { side: side as u32, rounds, adjectives, creatures })
    }

    /// How many names there are.
    pub fn count(&self) -> u32 {
        self.side * self.side
    }

    /// Append a name; a number from `count` on is taken modulo it. Takes 50 ns.
    #[inline]
    pub fn write(&self, name_number: u32, out: &mut Vec<u8>) {
        let number = self.shuffled(name_number % self.count());
        let (pair, number) = (number / NUMBERS, number % NUMBERS);
        let creatures = self.creatures.len() as u32;
        out.extend_from_slice(self.adjectives[(pair / creatures) as usize].as_bytes());
        out.push(b' ');
        out.extend_from_slice(self.creatures[(pair % creatures) as usize].as_bytes());
        let digit = |power: u32| b'0' + (number / power % 10) as u8;
        out.extend_from_slice(&[b' ', digit(1000), digit(100), digit(10), digit(1)]);
    }

    fn shuffled(&self, number: u32) -> u32 {
        let side = self.side;
        let within = |sum: u32| if sum >= side { sum - side } else { sum };
        let (mut left, mut right) = (number / side, number % side);
        for [even, odd] in &self.rounds {
            left = within(left + u32::from(even[right as usize]));
            right = within(right + u32::from(odd[left as usize]));
        }
        left * side + right
    }
}
